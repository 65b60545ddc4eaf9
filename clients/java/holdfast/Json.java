package holdfast;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads JSON (RFC 8259) and nothing but JSON: no deep nesting, UTF-8 alone. Objects are maps, in
 * which the last of members with one name counts, arrays are lists, and numbers are the doubles
 * that are nearest to them.
 */
final class Json {
    private static final int MAX_DEPTH = 32;

    private final String text;
    private int at;
    private int depth;

    private Json(String text) {
        this.text = text;
    }

    /** Throws IllegalArgumentException for what is not JSON. */
    static Object read(byte[] data) {
        try {
            ByteBuffer bytes = ByteBuffer.wrap(data);
            String text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
            Json json = new Json(text);
            Object value = json.value();
            json.space();
            if (json.at != text.length()) throw json.unexpected();
            return value;
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("not UTF-8", e);
        }
    }

    /** As {@link #read}, for what has to be an object. */
    @SuppressWarnings("unchecked")
    static Map<String, Object> readObject(byte[] data) {
        if (read(data) instanceof Map<?, ?> object) return (Map<String, Object>) object;
        throw new IllegalArgumentException("not an object");
    }

    private Object value() {
        space();
        switch (peek()) {
            case '{':
                return nested(this::object);
            case '[':
                return nested(this::array);
            case '"':
                return string();
            case 't':
                return word("true", Boolean.TRUE);
            case 'f':
                return word("false", Boolean.FALSE);
            case 'n':
                return word("null", null);
            default:
                return number();
        }
    }

    private Object nested(java.util.function.Supplier<Object> reader) {
        if (++depth > MAX_DEPTH) throw unexpected();
        at++;
        Object value = reader.get();
        depth--;
        return value;
    }

    private Object object() {
        Map<String, Object> members = new HashMap<>();
        if (next('}')) return members;
        do {
            space();
            String name = string();
            space();
            if (!next(':')) throw unexpected();
            members.put(name, value());
        } while (next(','));
        if (!next('}')) throw unexpected();
        return members;
    }

    private Object array() {
        List<Object> items = new ArrayList<>();
        if (next(']')) return items;
        do {
            items.add(value());
        } while (next(','));
        if (!next(']')) throw unexpected();
        return items;
    }

    private String string() {
        if (peek() != '"') throw unexpected();
        at++;
        StringBuilder read = new StringBuilder();
        for (;;) {
            char letter = peek();
            if (letter < ' ') throw unexpected();
            at++;
            if (letter == '"') return read.toString();
            read.append(letter == '\\' ? escaped() : letter);
        }
    }

    private char escaped() {
        char letter = peek();
        at++;
        int plain = "\"\\/bfnrt".indexOf(letter);
        if (plain >= 0) return "\"\\/\b\f\n\r\t".charAt(plain);
        if (letter != 'u' || at + 4 > text.length()) throw unexpected();
        String digits = text.substring(at, at + 4);
        if (!digits.matches("[0-9a-fA-F]{4}")) throw unexpected();
        at += 4;
        return (char) Integer.parseInt(digits, 16);
    }

    private Object number() {
        int start = at;
        while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0) at++;
        String digits = text.substring(start, at);
        if (!digits.matches("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?")) throw unexpected();
        return Double.parseDouble(digits);
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) throw unexpected();
        at += word.length();
        return value;
    }

    private boolean next(char wanted) {
        space();
        if (peek() != wanted) return false;
        at++;
        return true;
    }

    private void space() {
        while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) at++;
    }

    private char peek() {
        if (at >= text.length()) throw unexpected();
        return text.charAt(at);
    }

    private IllegalArgumentException unexpected() {
        return new IllegalArgumentException("not JSON at character " + at);
    }
}
