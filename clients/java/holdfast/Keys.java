package holdfast;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.spec.KeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Finds the key that a token names. */
@FunctionalInterface
public interface Keys {
    int MAX_KEYS = 32;
    BigInteger RSA_EXPONENT = BigInteger.valueOf(65537);

    /**
     * Null for a key id that is not in the set; throws {@link Unavailable} while no set is known.
     */
    Key find(String id);

    /** A public key with the one algorithm that it is for. */
    record Key(String algorithm, PublicKey publicKey) {}

    /** No keys to verify with: 503. It says nothing about the token. */
    final class Unavailable extends RuntimeException {
        Unavailable(String message) {
            super(message);
        }
    }

    /**
     * A JWKS (RFC 7517). Keys that are not in use here are passed over; IllegalArgumentException
     * when none is left.
     */
    static Map<String, Key> parse(byte[] jwks) {
        if (!(Json.readObject(jwks).get("keys") instanceof List<?> items)) {
            throw new IllegalArgumentException("not a key set");
        }
        if (items.size() > MAX_KEYS) {
            throw new IllegalArgumentException("the key set has too many keys");
        }
        Map<String, Key> keys = new HashMap<>();
        Set<String> ids = new HashSet<>();
        for (Object item : items) {
            if (!(item instanceof Map<?, ?> jwk) || !(jwk.get("kid") instanceof String id)
                    || id.isEmpty()) {
                continue;
            }
            // Nobody could say which of the two is meant.
            if (!ids.add(id)) throw new IllegalArgumentException("the key set has a key id twice");
            if (!"sig".equals(jwk.get("use"))) continue;
            try {
                Key key = keyOf(jwk);
                if (key != null) keys.put(id, key);
            } catch (GeneralSecurityException | IllegalArgumentException | ClassCastException
                    | NullPointerException e) {
                // Of no use; the others may be.
                continue;
            }
        }
        if (keys.isEmpty()) throw new IllegalArgumentException("the key set has no usable key");
        return Map.copyOf(keys);
    }

    private static Key keyOf(Map<?, ?> jwk) throws GeneralSecurityException {
        switch (jwk.get("kty") + " " + jwk.get("alg")) {
            case "OKP EdDSA":
                byte[] x = bytes(jwk.get("x"));
                if (!"Ed25519".equals(jwk.get("crv")) || x.length != 32) return null;
                // SubjectPublicKeyInfo of RFC 8410: 12 bytes that are always the same, and the key.
                String spki = "302a300506032b6570032100" + HexFormat.of().formatHex(x);
                KeySpec spec = new X509EncodedKeySpec(HexFormat.of().parseHex(spki));
                return new Key("EdDSA", KeyFactory.getInstance("Ed25519").generatePublic(spec));
            case "EC ES256":
                if (!"P-256".equals(jwk.get("crv"))) return null;
                return new Key("ES256", P256.publicKey(number(jwk.get("x")), number(jwk.get("y"))));
            case "RSA RS256":
                BigInteger modulus = number(jwk.get("n"));
                BigInteger exponent = number(jwk.get("e"));
                if (modulus.bitLength() < 2048 || modulus.bitLength() > 4096
                        || !exponent.equals(RSA_EXPONENT)) {
                    return null;
                }
                KeySpec numbers = new RSAPublicKeySpec(modulus, exponent);
                return new Key("RS256", KeyFactory.getInstance("RSA").generatePublic(numbers));
            default:
                return null;
        }
    }

    private static BigInteger number(Object text) {
        return new BigInteger(1, bytes(text));
    }

    private static byte[] bytes(Object text) {
        return Base64.getUrlDecoder().decode((String) text);
    }
}
