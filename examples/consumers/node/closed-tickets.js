// Reads the closed tickets of a hotline-mesh: each closing once in effect. 办结工单消费者(Node.js)。
//
// The effect is a line in a journal. Order of work: write and sync the journal, then commit the offset. What a crash
// leaves uncommitted comes again, and the generations read back from the journal say that it was done already.
// One process per journal file.
import { existsSync, openSync, readFileSync, truncateSync, writeSync, fsyncSync } from "node:fs";
import { parseArgs } from "node:util";
import { Kafka, logLevel } from "kafkajs";

const EVENT_TYPE = "ticket.closed.v1";

class Journal {
  #generations = new Map();
  #file;

  constructor(path) {
    if (existsSync(path)) {
      const bytes = readFileSync(path);
      const whole = bytes.lastIndexOf(10) + 1; // a crash may have cut the last line
      truncateSync(path, whole);
      for (const line of bytes.subarray(0, whole).toString().split("\n")) {
        if (line) this.#remember(JSON.parse(line));
      }
    }
    this.#file = openSync(path, "a");
  }

  #remember({ token, generation }) {
    this.#generations.set(token, Math.max(generation, this.#generations.get(token) ?? 0));
  }

  /** Take a closing; false if it is known, or if a later generation has replaced it. */
  take(closing) {
    if ((this.#generations.get(closing.token) ?? 0) >= closing.generation) return false;
    writeSync(this.#file, JSON.stringify(closing) + "\n");
    this.#remember(closing);
    return true;
  }

  sync() {
    fsyncSync(this.#file);
  }
}

/** The closing that a record holds; null for a tombstone or an event of another type or version. */
function read({ key, value, headers }) {
  if (key === null || value === null || headers?.ce_type?.toString() !== EVENT_TYPE) return null;
  const data = JSON.parse(value.toString());
  return { token: key.toString(), generation: data.generation, rating: data.rating };
}

const { values: options } = parseArgs({
  options: {
    "bootstrap-servers": { type: "string" },
    topic: { type: "string", default: "closed-tickets" },
    group: { type: "string", default: "closed-tickets-example-node" },
    state: { type: "string", default: "closed.jsonl" },
    "until-end": { type: "boolean", default: false },
  },
});
if (!options["bootstrap-servers"]) {
  console.error(
    "usage: node closed-tickets.js --bootstrap-servers HOST:PORT [--topic closed-tickets]" +
      " [--group closed-tickets-example-node] [--state closed.jsonl] [--until-end]",
  );
  process.exit(2);
}

const kafka = new Kafka({ brokers: options["bootstrap-servers"].split(","), logLevel: logLevel.ERROR });
const consumer = kafka.consumer({
  groupId: options.group,
  sessionTimeout: 6000, // after a crash the partitions come back this much later; kafkajs has no static membership
  heartbeatInterval: 2000,
  maxWaitTimeInMs: 500,
});
const journal = new Journal(options.state);
const behind = new Map(); // partition -> the offset at which this run may stop, with --until-end

async function ends() {
  const admin = kafka.admin();
  await admin.connect();
  const [high, group] = [
    await admin.fetchTopicOffsets(options.topic),
    await admin.fetchOffsets({ groupId: options.group, topics: [options.topic] }),
  ];
  await admin.disconnect();
  const done = new Map(group[0].partitions.map((p) => [p.partition, Math.max(0, Number(p.offset))]));
  for (const p of high) {
    if (Number(p.high) > Math.max(done.get(p.partition) ?? 0, Number(p.low))) behind.set(p.partition, Number(p.high));
  }
}

async function stop() {
  await consumer.disconnect();
  process.exit(0);
}

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, stop);
if (options["until-end"]) {
  await ends();
  if (behind.size === 0) process.exit(0);
}
await consumer.connect();
await consumer.subscribe({ topics: [options.topic], fromBeginning: true });
await consumer.run({
  autoCommit: false,
  eachBatch: async ({ batch }) => {
    for (const message of batch.messages) {
      const closing = read(message);
      if (closing !== null && journal.take(closing)) console.log(JSON.stringify(closing));
    }
    journal.sync();
    const next = BigInt(batch.lastOffset()) + 1n;
    await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset: next.toString() }]);
    if (next >= (behind.get(batch.partition) ?? Infinity)) behind.delete(batch.partition);
    if (options["until-end"] && behind.size === 0) setImmediate(stop);
  },
});
