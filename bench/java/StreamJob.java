import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/** The job of bench/engines/job.py on Kafka Streams: its in-memory or RocksDB store with changelog, a commit a second. */
public final class StreamJob {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final class Job implements Processor<byte[], byte[], byte[], byte[]> {
        private ProcessorContext<byte[], byte[]> context;
        private KeyValueStore<org.apache.kafka.common.utils.Bytes, byte[]> table;

        @Override
        public void init(ProcessorContext<byte[], byte[]> given) {
            context = given;
            table = given.getStateStore("last");
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            try {
                JsonNode event = JSON.readTree(record.value());
                var key = org.apache.kafka.common.utils.Bytes.wrap(record.key());
                byte[] stored = table.get(key);
                long sequence = event.get("sequence").longValue();
                if (stored != null && sequence <= JSON.readTree(stored).get("sequence").longValue()) {
                    return;
                }
                String due = null;
                for (JsonNode clock : event.get("clocks")) {
                    String at = clock.get("due_at").textValue();
                    due = due == null || at.compareTo(due) < 0 ? at : due;
                }
                table.put(key, JSON.writeValueAsBytes(state(JSON.createObjectNode(), event, due)));
                ObjectNode output = JSON.createObjectNode();
                output.set("id", event.get("id"));
                output.set("ticket", event.get("ticket"));
                context.forward(record.withValue(JSON.writeValueAsBytes(state(output, event, due))));
            } catch (JsonProcessingException error) {
                throw new IllegalStateException(error);
            } catch (IOException error) {
                throw new IllegalStateException(error);
            }
        }

        private static ObjectNode state(ObjectNode node, JsonNode event, String due) {
            node.set("sequence", event.get("sequence"));
            node.set("stage", event.get("stage"));
            node.set("unit", event.get("unit"));
            return node.put("due", due);
        }
    }

    public static void main(String[] args) {
        String bootstrap = args[0], group = args[1], source = args[2], out = args[3], home = args[4];
        boolean inMemory = args[5].equals("memory");
        Properties conf = new Properties();
        conf.put(StreamsConfig.APPLICATION_ID_CONFIG, group);
        conf.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        conf.put(StreamsConfig.STATE_DIR_CONFIG, home);
        conf.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
        conf.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1000);
        conf.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Integer.parseInt(args[6]));
        conf.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        conf.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        conf.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 262144);
        conf.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 5);
        var supplier = inMemory ? Stores.inMemoryKeyValueStore("last") : Stores.persistentKeyValueStore("last");
        StreamsBuilder builder = new StreamsBuilder();
        builder.addStateStore(Stores.keyValueStoreBuilder(supplier, Serdes.Bytes(), Serdes.ByteArray()));
        builder.stream(source, Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
            .process(Job::new, "last")
            .to(out, Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
        KafkaStreams streams = new KafkaStreams(builder.build(), conf);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(70);
            return null;
        });
        streams.start();
    }
}
