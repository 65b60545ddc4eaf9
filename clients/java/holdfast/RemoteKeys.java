package holdfast;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * The keys that an authority publishes: fetched at first use, renewed after five minutes, asked for
 * anew when a token names an unknown key, but not more than once in 30 seconds. When a fetch fails
 * the last good set serves for a day.
 */
public final class RemoteKeys implements Keys {
    private static final long COOLDOWN = Duration.ofSeconds(30).toNanos();
    private static final long FIRST_SET = Duration.ofSeconds(1).toNanos();
    private static final long MAX_AGE = Duration.ofMinutes(5).toNanos();
    private static final long LAST_GOOD = Duration.ofDays(1).toNanos();
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final int MAX_BYTES = 256 << 10;

    private final URI uri;
    private final LongSupplier nanoTime;
    // Redirects are off by default: where keys come from is the operator's choice alone.
    private final HttpClient client = HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
    private final ReentrantLock fetching = new ReentrantLock();
    private volatile Fetched last;
    private boolean tried;
    private long triedAt;

    private record Fetched(Map<String, Key> keys, long at) {}

    /** Keys behind {@code https://.../.well-known/jwks.json}. */
    public RemoteKeys(URI uri) {
        this(uri, System::nanoTime);
    }

    RemoteKeys(URI uri, LongSupplier nanoTime) {
        this.uri = uri;
        this.nanoTime = nanoTime;
    }

    @Override
    public Key find(String id) {
        Key known = known(id);
        if (known == null) {
            fetching.lock();
        } else if (!isOlderThan(MAX_AGE) || !fetching.tryLock()) {
            // With a key in hand nobody waits for a fetch that another thread has begun.
            return known;
        }
        try {
            if (known(id) == null || isOlderThan(MAX_AGE)) renew();
        } finally {
            fetching.unlock();
        }
        if (isOlderThan(LAST_GOOD)) throw new Unavailable("no key set could be fetched");
        return known(id);
    }

    private Key known(String id) {
        return isOlderThan(LAST_GOOD) ? null : last.keys().get(id);
    }

    private boolean isOlderThan(long age) {
        return last == null || nanoTime.getAsLong() - last.at() > age;
    }

    private void renew() {
        long now = nanoTime.getAsLong();
        // Without any set it is a second: a service may start before its authority.
        if (tried && now - triedAt < (isOlderThan(LAST_GOOD) ? FIRST_SET : COOLDOWN)) return;
        tried = true;
        triedAt = now;
        HttpRequest request = HttpRequest.newBuilder(uri)
                .timeout(TIMEOUT)
                .header("Accept", "application/json")
                .build();
        try {
            HttpResponse<InputStream> response =
                    client.send(request, HttpResponse.BodyHandlers.ofInputStream());
            try (InputStream body = response.body()) {
                byte[] data = body.readNBytes(MAX_BYTES + 1);
                if (response.statusCode() == 200 && data.length <= MAX_BYTES) {
                    last = new Fetched(Keys.parse(data), now);
                }
            }
        } catch (IOException | IllegalArgumentException e) {
            // The last good set goes on to serve; without one, find() says so.
            return;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
