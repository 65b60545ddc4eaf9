package holdfast

import "unicode/utf8"

// maxDepth is how deep objects and arrays may be nested: readers of other languages stop somewhere.
const maxDepth = 32

// readsAlike tells whether readers of every language agree on a JSON text, as far as
// encoding/json would not refuse it: it replaces what is no UTF-8, and goes 10,000 deep.
func readsAlike(data []byte) bool {
	if !utf8.Valid(data) {
		return false
	}
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch letter := data[i]; {
		case letter == '"':
			quoted = !quoted
		case quoted && letter == '\\':
			i++
		case quoted:
		case letter == '{' || letter == '[':
			if depth++; depth > maxDepth {
				return false
			}
		case letter == '}' || letter == ']':
			depth--
		}
	}
	return true
}

// hasHalfPair tells whether an escape in a JSON value is half a pair of surrogates.
// encoding/json would replace it.
func hasHalfPair(value []byte) bool {
	first := false
	for i := 0; i < len(value); {
		unit, length := unitAt(value, i)
		second := unit >= 0xdc00 && unit <= 0xdfff
		if first != second {
			return true
		}
		first = unit >= 0xd800 && unit <= 0xdbff
		i += length
	}
	return first
}

// unitAt reads one byte, or one escape as the UTF-16 unit that it stands for.
func unitAt(value []byte, i int) (unit, length int) {
	if value[i] != '\\' || i+1 >= len(value) {
		return int(value[i]), 1
	}
	if value[i+1] != 'u' || i+6 > len(value) {
		return int(value[i+1]), 2
	}
	for _, digit := range value[i+2 : i+6] {
		unit = unit<<4 | hexDigit(digit)
	}
	return unit, 6
}

func hexDigit(digit byte) int {
	switch {
	case digit >= 'a':
		return int(digit-'a') + 10
	case digit >= 'A':
		return int(digit-'A') + 10
	}
	return int(digit - '0')
}
