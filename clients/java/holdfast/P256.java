package holdfast;

import java.math.BigInteger;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.spec.ECFieldFp;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.util.Arrays;

/** What the JDK leaves to its caller about the curve of ES256. */
final class P256 {
    private static final int COORDINATE_BYTES = 32;

    private P256() {}

    /** Throws for a point that is not on the curve: the JDK's key factory would take it. */
    static PublicKey publicKey(BigInteger x, BigInteger y) throws GeneralSecurityException {
        ECParameterSpec curve = curve();
        BigInteger p = ((ECFieldFp) curve.getCurve().getField()).getP();
        BigInteger a = curve.getCurve().getA();
        BigInteger b = curve.getCurve().getB();
        boolean reduced = x.compareTo(p) < 0 && y.compareTo(p) < 0;
        BigInteger right = x.modPow(BigInteger.valueOf(3), p).add(a.multiply(x)).add(b).mod(p);
        if (!reduced || !y.multiply(y).mod(p).equals(right)) {
            throw new GeneralSecurityException("not on the curve");
        }
        ECPublicKeySpec spec = new ECPublicKeySpec(new ECPoint(x, y), curve);
        return KeyFactory.getInstance("EC").generatePublic(spec);
    }

    /** RFC 7518, section 3.4: r and s, 32 bytes each, and from 1 up to below the order. */
    static boolean inRange(byte[] signature) {
        if (signature.length != 2 * COORDINATE_BYTES) return false;
        BigInteger order;
        try {
            order = curve().getOrder();
        } catch (GeneralSecurityException e) {
            return false;
        }
        BigInteger r = new BigInteger(1, Arrays.copyOf(signature, COORDINATE_BYTES));
        byte[] second = Arrays.copyOfRange(signature, COORDINATE_BYTES, signature.length);
        BigInteger s = new BigInteger(1, second);
        return r.signum() > 0 && s.signum() > 0 && r.compareTo(order) < 0 && s.compareTo(order) < 0;
    }

    private static ECParameterSpec curve() throws GeneralSecurityException {
        AlgorithmParameters parameters = AlgorithmParameters.getInstance("EC");
        parameters.init(new ECGenParameterSpec("secp256r1"));
        return parameters.getParameterSpec(ECParameterSpec.class);
    }
}
