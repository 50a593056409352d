import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Reads the closed tickets of a hotline-mesh: each closing once in effect. 办结工单消费者(Java)。
 *
 * <p>The effect is a line in a journal. Order of work: write and sync the journal, then commit the offset. What a crash
 * leaves uncommitted comes again, and the generations read back from the journal say that it was done already.
 *
 * <p>One process per journal file.
 */
public final class ClosedTickets {
    private static final String EVENT_TYPE = "ticket.closed.v1";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, Integer> generations = new HashMap<>();
    private final FileChannel journal;

    private ClosedTickets(Path file) throws IOException {
        long whole = 0; // bytes up to the last complete line: a crash may have cut the one after it
        if (Files.exists(file)) {
            byte[] bytes = Files.readAllBytes(file);
            for (int start = 0, end = 0; end < bytes.length; end++) {
                if (bytes[end] == '\n') {
                    remember(JSON.readTree(bytes, start, end - start));
                    start = end + 1;
                    whole = start;
                }
            }
        }
        journal = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        journal.truncate(whole).position(whole);
    }

    private void remember(JsonNode line) {
        generations.merge(line.get("token").asText(), line.get("generation").asInt(), Math::max);
    }

    /** The closing that a record holds, if it is one and not known yet; else null. */
    private ObjectNode effect(ConsumerRecord<String, byte[]> record) throws IOException {
        Header type = record.headers().lastHeader("ce_type");
        if (record.key() == null || record.value() == null || type == null
                || !EVENT_TYPE.equals(new String(type.value(), StandardCharsets.UTF_8))) {
            return null; // a tombstone, or an event of another type or version
        }
        JsonNode data = JSON.readTree(record.value());
        int generation = data.get("generation").asInt();
        if (generations.getOrDefault(record.key(), 0) >= generation) {
            return null; // the same closing again, or one that a later generation has replaced
        }
        ObjectNode line = JSON.createObjectNode();
        line.put("token", record.key()).put("generation", generation).put("rating", data.get("rating").asText());
        return line;
    }

    private void take(Iterable<ConsumerRecord<String, byte[]>> records) throws IOException {
        boolean written = false;
        for (ConsumerRecord<String, byte[]> record : records) {
            ObjectNode line = effect(record);
            if (line != null) {
                ByteBuffer bytes = ByteBuffer.wrap((JSON.writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8));
                while (bytes.hasRemaining()) {
                    journal.write(bytes);
                }
                remember(line);
                System.out.println(line);
                written = true;
            }
        }
        if (written) {
            journal.force(false);
        }
    }

    private static boolean atEnd(KafkaConsumer<String, byte[]> consumer) {
        Map<TopicPartition, Long> ends = consumer.endOffsets(consumer.assignment());
        return !ends.isEmpty() && ends.entrySet().stream().allMatch(e -> consumer.position(e.getKey()) >= e.getValue());
    }

    private static Map<String, String> options(String[] args) {
        Map<String, String> found = new HashMap<>(Map.of("--topic", "closed-tickets", "--state", "closed.jsonl"));
        for (int i = 0; i < args.length; i++) {
            boolean flag = args[i].equals("--until-end");
            if (!flag && (!List.of("--bootstrap-servers", "--topic", "--state", "--group").contains(args[i]) || i + 1 == args.length)) {
                found.clear();
                break;
            }
            found.put(args[i], flag ? "yes" : args[++i]);
        }
        if (!found.containsKey("--bootstrap-servers")) {
            System.err.println("usage: ClosedTickets --bootstrap-servers HOST:PORT [--topic closed-tickets]"
                    + " [--group closed-tickets-example-java] [--state closed.jsonl] [--until-end]");
            System.exit(2);
        }
        return found;
    }

    public static void main(String[] args) throws IOException {
        Map<String, String> options = options(args);
        Properties kafka = new Properties();
        kafka.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, options.get("--bootstrap-servers"));
        kafka.put(ConsumerConfig.GROUP_ID_CONFIG, options.getOrDefault("--group", "closed-tickets-example-java"));
        kafka.put(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, "1"); // one process: after a crash it gets its partitions at once
        kafka.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
        kafka.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        kafka.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        ClosedTickets tickets = new ClosedTickets(Path.of(options.get("--state")));
        try (KafkaConsumer<String, byte[]> consumer =
                new KafkaConsumer<>(kafka, new StringDeserializer(), new ByteArrayDeserializer())) {
            Thread main = Thread.currentThread();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                consumer.wakeup();
                try {
                    main.join(10_000);
                } catch (InterruptedException stop) {
                    Thread.currentThread().interrupt();
                }
            }));
            consumer.subscribe(List.of(options.get("--topic")));
            do {
                take(tickets, consumer);
            } while (!options.containsKey("--until-end") || !atEnd(consumer));
        } catch (WakeupException stop) {
            // asked to stop: what is not committed comes again
        }
    }

    private static void take(ClosedTickets tickets, KafkaConsumer<String, byte[]> consumer) throws IOException {
        tickets.take(consumer.poll(Duration.ofSeconds(1)));
        consumer.commitSync();
    }
}
