package main

import (
	"errors"
	"os"
	"path/filepath"
	"sync"

	"sockeye.dev/charset"
	"sockeye.dev/observe"
)

// tap is an observer that a person may begin to record with at any time.
type tap struct {
	enc  *charset.Encoding
	note func(format string, args ...any)

	mu   sync.Mutex
	log  *observe.Log
	file *os.File
}

func (t *tap) Observe(e observe.Event) {
	t.mu.Lock()
	log := t.log
	t.mu.Unlock()
	if log != nil {
		log.Observe(e)
	}
}

// record begins to record to a file, and ends what was recorded before.
func (t *tap) record(path string) error {
	f, err := formatter(path, t.enc)
	if err != nil {
		return err
	}
	if err := t.close(); err != nil { // which may have written to the same file
		t.note("the recording before: %v", err)
	}
	file, err := private(path)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.log, t.file = observe.NewLog(file, f, observe.LogOptions{Block: true}), file
	t.note("recording to %s", path)
	return nil
}

func (t *tap) close() error {
	t.mu.Lock()
	log, file := t.log, t.file
	t.log, t.file = nil, nil
	t.mu.Unlock()
	if log == nil {
		return nil
	}
	return errors.Join(log.Close(), file.Close())
}

// formatter is how a file of that name is written.
func formatter(path string, enc *charset.Encoding) (observe.Formatter, error) {
	switch filepath.Ext(path) {
	case ".jsonl":
		return &observe.JSONL{Encoding: enc}, nil
	case ".txt":
		return &observe.Transcript{Encoding: enc}, nil
	}
	return nil, usage("record to %s: this version writes .jsonl and .txt", path)
}

// observers are what --record and -vv ask for; close ends them and says what
// was lost. Text is read in enc.
func (a *app) observers(t *talk, enc *charset.Encoding) (o observe.Observer, close func() error, err error) {
	var all []observe.Observer
	var record, shown *observe.Log
	var file *os.File
	if t.record != "" {
		f, err := formatter(t.record, enc)
		if err != nil {
			return nil, nil, err
		}
		if file, err = private(t.record); err != nil {
			return nil, nil, err
		}
		record = observe.NewLog(file, f, observe.LogOptions{Block: !t.recordDrop})
		all = append(all, record)
	}
	if a.verbose > 1 {
		var f observe.Formatter = &observe.Transcript{Encoding: enc}
		if a.json {
			f = &observe.JSONL{Encoding: enc}
		}
		shown = observe.NewLog(a.stderr, f, observe.LogOptions{})
		all = append(all, shown)
	}
	if t.tap != nil {
		t.tap.enc, t.tap.note = enc, a.note
		all = append(all, t.tap)
	}
	return observe.Multi(all...), func() error {
		var errs []error
		if t.tap != nil {
			errs = append(errs, t.tap.close())
		}
		if record != nil {
			errs = append(errs, record.Close())
		}
		if shown != nil {
			if err := shown.Close(); err != nil {
				a.note("not all events were shown: %v", err)
			}
		}
		if file != nil {
			errs = append(errs, file.Close())
		}
		return errors.Join(errs...)
	}, nil
}

// private creates a file that is its owner's alone: a recording has what was said, passwords too. As with os.Create, a pipe
// nobody reads yet can be opened.
func private(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() { // it may have been there
		_ = f.Chmod(0o600) // or belong to somebody else, who knows
	}
	return f, nil
}
