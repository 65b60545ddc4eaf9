package holdfast

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// event is one server-sent event; ids are in the data of this feed too.
type event struct {
	name string
	data []byte
}

const maxEventBytes = 64 << 10

// eventReader reads text/event-stream as far as the feed uses it.
type eventReader struct{ lines *bufio.Reader }

func newEventReader(body io.Reader) *eventReader {
	return &eventReader{lines: bufio.NewReaderSize(body, 4096)}
}

func (r *eventReader) next() (event, error) {
	var e event
	size := 0
	for {
		line, err := r.line()
		if err != nil {
			return event{}, err
		}
		if size += len(line); size > maxEventBytes {
			return event{}, errors.New("an event is too large")
		}
		if len(line) == 0 {
			if e.data != nil {
				return e, nil
			}
			e, size = event{}, 0
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			e.name = string(value)
		case "data":
			if e.data != nil {
				e.data = append(e.data, '\n')
			}
			e.data = append(e.data, value...)
		}
	}
}

func (r *eventReader) line() ([]byte, error) {
	var line []byte
	for {
		part, err := r.lines.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxEventBytes {
			return nil, errors.New("a line is too long")
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return bytes.TrimRight(line, "\r\n"), nil
	}
}
