package holdfast;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.Signature;
import java.time.Clock;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Verifies the access tokens of a Holdfast authority with the JDK alone (17 or newer).
 *
 * <pre> var keys = new RemoteKeys(URI.create("https://auth.example/.well-known/jwks.json")); var
 * verifier = new AccessTokenVerifier("https://auth.example", "orders", keys, 5, Clock.systemUTC());
 * Map&lt;String, Object&gt; claims = verifier.verify(token); </pre>
 *
 * There is no revocation feed here: a revoked session ends with its last token, after at most 120
 * seconds and the skew.
 */
public final class AccessTokenVerifier {
    private static final int MAX_TOKEN_LENGTH = 8192;
    private static final int MAX_SKEW = 5;
    /** The largest whole number that every language reads alike. */
    private static final double MAX_EXACT = 9_007_199_254_740_991.0;
    private static final int SESSION_ID_BYTES = 32;
    private static final int ED25519_BYTES = 64;
    private static final Set<String> TYPES = Set.of("at+jwt", "application/at+jwt");

    private final String issuer;
    private final String audience;
    private final Keys keys;
    private final int skew;
    private final Clock clock;

    /** {@code skew} in seconds, at most 5. */
    public AccessTokenVerifier(String issuer, String audience, Keys keys, int skew, Clock clock) {
        if (issuer.isEmpty() || audience.isEmpty() || skew < 0 || skew > MAX_SKEW)
            throw new IllegalArgumentException(
                    "a verifier needs an issuer, an audience, and a skew of at most 5 s");
        this.issuer = issuer;
        this.audience = audience;
        this.keys = keys;
        this.skew = skew;
        this.clock = clock;
    }

    /** The token is not good enough: 401. The code is for the client, the message for the log. */
    public static final class Refused extends Exception {
        private final String code;

        Refused(String code, String reason) {
            super(code + ": " + reason);
            this.code = code;
        }

        /**
         * One of {@code access_token_invalid}, {@code access_token_expired} and
         * {@code step_up_required}.
         */
        public String code() {
            return code;
        }
    }

    /**
     * The claims of a good token, times and generation as longs. Throws {@link Keys.Unavailable}
     * when there are no keys to verify with: 503.
     */
    public Map<String, Object> verify(String token) throws Refused {
        if (token.length() > MAX_TOKEN_LENGTH) throw invalid("longer than a token may be");
        String[] parts = token.split("\\.", -1);
        if (parts.length != 3) throw invalid("not three parts");
        byte[] head = decode(parts[0]);
        byte[] payload = decode(parts[1]);
        byte[] signature = decode(parts[2]);

        Map<String, Object> header = object(head);
        // RFC 7515, section 4.1.11: an extension that is not understood refuses the token. None is.
        if (header.containsKey("crit") || header.containsKey("b64")) throw invalid("an extension");
        if (!TYPES.contains(text(header, "typ").toLowerCase(Locale.ROOT))) {
            throw invalid("another kind of token");
        }
        Keys.Key key = keys.find(text(header, "kid"));
        if (key == null) throw invalid("unknown key");
        // The key decides the algorithm, never the token.
        if (!key.algorithm().equals(text(header, "alg"))) {
            throw invalid("the algorithm is not the key's");
        }
        String signed = token.substring(0, parts[0].length() + 1 + parts[1].length());
        byte[] input = signed.getBytes(StandardCharsets.US_ASCII);
        if (!isSigned(key, input, signature)) throw invalid("wrong signature");

        Map<String, Object> claims = object(payload);
        check(claims);
        return claims;
    }

    /**
     * The claims of a good token of a request that the authority has judged as one of a sensitive
     * route. So the service need not trust that a gateway matches its paths as the service does.
     */
    public Map<String, Object> verifySensitive(String token) throws Refused {
        Map<String, Object> claims = verify(token);
        if ("sensitive".equals(claims.get("sensitivity"))) return claims;
        throw new Refused("step_up_required", "the request was not judged as a sensitive one");
    }

    private static boolean isSigned(Keys.Key key, byte[] input, byte[] signature) {
        try {
            Signature verification = Signature.getInstance(switch (key.algorithm()) {
                case "EdDSA" -> "Ed25519";
                case "ES256" -> "SHA256withECDSAinP1363Format";
                case "RS256" -> "SHA256withRSA";
                default -> throw new IllegalStateException("no such key is ever kept");
            });
            // Releases of the JDK before April 2022 accept r = s = 0 (CVE-2022-21449).
            if (key.algorithm().equals("ES256") && !P256.inRange(signature)) return false;
            // The Ed25519 of JDK 17 passes over what follows the 64 bytes: a second spelling of the
            // same token.
            if (key.algorithm().equals("EdDSA") && signature.length != ED25519_BYTES) return false;
            verification.initVerify(key.publicKey());
            verification.update(input);
            return verification.verify(signature);
        } catch (GeneralSecurityException e) {
            // A signature of the wrong length or form, for the most part.
            return false;
        }
    }

    private void check(Map<String, Object> claims) throws Refused {
        // RFC 7800: whoever takes it as a bearer token lets a thief in whom the binding would stop.
        if (claims.containsKey("cnf")) {
            throw invalid("cnf binds it to a key, and no proof is checked here");
        }
        for (String name : List.of("sub", "client_id", "jti")) text(claims, name);
        if (!text(claims, "iss").equals(issuer)) throw invalid("another issuer");
        if (decode(text(claims, "sid")).length != SESSION_ID_BYTES) {
            throw invalid("sid is no session id");
        }
        if (!audiences(claims.get("aud")).contains(audience)) throw invalid("another audience");
        for (String name : List.of("acr", "tid", "sensitivity"))
            if (claims.containsKey(name) && !isText(claims.get(name))) {
                throw invalid(name);
            }
        if (claims.containsKey("amr")) texts(claims.get("amr"));
        for (String name : List.of("gen", "exp", "iat", "nbf", "auth_time")) {
            boolean required = !name.equals("nbf") && !name.equals("auth_time");
            if (required || claims.containsKey(name)) claims.put(name, integer(claims, name));
        }
        long now = clock.instant().getEpochSecond();
        for (String name : List.of("iat", "nbf", "auth_time"))
            if (claims.get(name) instanceof Long begins && begins > now + skew) {
                throw invalid("not yet valid");
            }
        if ((Long) claims.get("exp") + skew <= now) {
            throw new Refused("access_token_expired", "expired");
        }
    }

    private static List<?> audiences(Object aud) throws Refused {
        return isText(aud) ? List.of(aud) : texts(aud);
    }

    private static List<?> texts(Object value) throws Refused {
        if (value instanceof List<?> list
                && list.stream().allMatch(AccessTokenVerifier::isText)) {
            return list;
        }
        throw invalid("not a list of strings");
    }

    private static String text(Map<String, Object> members, String name) throws Refused {
        Object value = members.get(name);
        if (isText(value) && value instanceof String text && !text.isEmpty()) return text;
        throw invalid(name + " is missing or no string");
    }

    /** Text that every language reads alike: half a pair of surrogates is no letter. */
    private static boolean isText(Object value) {
        return value instanceof String text
                && text.codePoints().noneMatch(
                        point -> point >= Character.MIN_SURROGATE
                                && point <= Character.MAX_SURROGATE);
    }

    private static long integer(Map<String, Object> members, String name) throws Refused {
        if (members.get(name) instanceof Double number
                && number >= 0
                && number <= MAX_EXACT
                && number == Math.rint(number)) {
            return number.longValue();
        }
        throw invalid(name + " is missing or no whole number");
    }

    private static Map<String, Object> object(byte[] data) throws Refused {
        try {
            return Json.readObject(data);
        } catch (IllegalArgumentException e) {
            throw invalid("not a JSON object");
        }
    }

    /**
     * Base64url in its one canonical spelling: the decoder of the JDK takes padding and stray bits
     * too.
     */
    private static byte[] decode(String part) throws Refused {
        try {
            byte[] data = Base64.getUrlDecoder().decode(part);
            String canonical = Base64.getUrlEncoder().withoutPadding().encodeToString(data);
            if (data.length > 0 && canonical.equals(part)) return data;
        } catch (IllegalArgumentException e) {
            throw invalid("not base64url");
        }
        throw invalid("not base64url");
    }

    private static Refused invalid(String reason) {
        return new Refused("access_token_invalid", reason);
    }
}
