package holdfast;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;

/**
 * Answers for this client, one line a verdict, so that the verdicts of all languages can be
 * compared. {@code corpus FILE}: every case; {@code flood FILE URL}: 200 unknown key ids at once,
 * then a valid token.
 */
final class Conformance {
    private Conformance() {}

    public static void main(String[] args) throws Exception {
        System.setOut(new java.io.PrintStream(System.out, true, StandardCharsets.UTF_8));
        if (args.length == 2 && args[0].equals("corpus")) {
            corpus(args[1]);
        } else if (args.length == 3 && args[0].equals("flood")) {
            flood(args[1], args[2]);
        } else {
            System.err.println("usage: Conformance corpus FILE | flood FILE URL");
            System.exit(2);
        }
    }

    private static void corpus(String path) throws IOException {
        Map<String, Object> corpus = read(path);
        Map<String, Keys.Key> keys = Keys.parse(bytes(corpus.get("jwks")));
        AccessTokenVerifier verifier = verifier(corpus, keys::get);
        for (Object item : (List<?>) corpus.get("cases")) {
            Map<?, ?> one = (Map<?, ?>) item;
            String token = (String) one.get("token");
            String verdict = verdict(() -> one.get("sensitivity") == null
                    ? verifier.verify(token)
                    : verifier.verifySensitive(token));
            System.out.println(verdict + "\t" + one.get("name"));
        }
    }

    private static void flood(String path, String url) throws Exception {
        Map<String, Object> corpus = read(path);
        AccessTokenVerifier verifier = verifier(corpus, new RemoteKeys(URI.create(url)));
        String valid = (String) ((Map<?, ?>) ((List<?>) corpus.get("cases")).get(0)).get("token");
        String rest = valid.substring(valid.indexOf('.'));
        ExecutorService threads = Executors.newFixedThreadPool(50);
        List<Callable<String>> unknown = new java.util.ArrayList<>();
        for (int i = 0; i < 200; i++) {
            String header = "{\"alg\":\"EdDSA\",\"kid\":\"unknown-" + i + "\",\"typ\":\"at+jwt\"}";
            byte[] bytes = header.getBytes(StandardCharsets.UTF_8);
            String head = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
            unknown.add(() -> verdict(() -> verifier.verify(head + rest)));
        }
        int refused = 0;
        for (Future<String> answer : threads.invokeAll(unknown)) {
            if (answer.get().equals("reject")) refused++;
        }
        threads.shutdown();
        System.out.println("refused\t" + refused + "\n" + verdict(() -> verifier.verify(valid)));
    }

    private interface Verification {
        Object claims() throws AccessTokenVerifier.Refused;
    }

    private static String verdict(Verification verification) {
        try {
            verification.claims();
            return "accept";
        } catch (AccessTokenVerifier.Refused e) {
            return "reject";
        }
    }

    private static Map<String, Object> read(String path) throws IOException {
        return Json.readObject(Files.readAllBytes(Path.of(path)));
    }

    private static AccessTokenVerifier verifier(Map<String, Object> corpus, Keys keys) {
        long now = ((Double) corpus.get("now")).longValue();
        int skew = ((Double) corpus.get("skewSeconds")).intValue();
        Clock clock = Clock.fixed(Instant.ofEpochSecond(now), ZoneOffset.UTC);
        String issuer = (String) corpus.get("issuer");
        String audience = (String) corpus.get("audience");
        return new AccessTokenVerifier(issuer, audience, keys, skew, clock);
    }

    /** The key set of the corpus, as the text that it would be fetched as. */
    private static byte[] bytes(Object value) {
        return text(value).getBytes(StandardCharsets.UTF_8);
    }

    private static String text(Object value) {
        if (value instanceof Map<?, ?> map)
            return map.entrySet().stream()
                    .map(e -> text(e.getKey()) + ":" + text(e.getValue()))
                    .collect(Collectors.joining(",", "{", "}"));
        if (value instanceof List<?> list)
            return list.stream().map(Conformance::text).collect(Collectors.joining(",", "[", "]"));
        return "\"" + value + "\"";
    }
}
