package main

import (
	"errors"
	"os"
	"path/filepath"

	"sockeye.dev/charset"
	"sockeye.dev/observe"
)

// observers are what --record and -vv ask for; close ends them and says what
// was lost. Text is read in enc.
func (a *app) observers(t *talk, enc *charset.Encoding) (o observe.Observer, close func() error, err error) {
	var all []observe.Observer
	var logs []*observe.Log
	var file *os.File
	if t.record != "" {
		var f observe.Formatter
		switch filepath.Ext(t.record) {
		case ".jsonl":
			f = &observe.JSONL{Encoding: enc}
		case ".txt":
			f = &observe.Transcript{Encoding: enc}
		default:
			return nil, nil, usage("record to %s: this version writes .jsonl and .txt", t.record)
		}
		if file, err = os.Create(t.record); err != nil {
			return nil, nil, err
		}
		logs = append(logs, observe.NewLog(file, f, observe.LogOptions{Block: !t.recordDrop}))
	}
	if a.verbose > 1 {
		var f observe.Formatter = &observe.Transcript{Encoding: enc}
		if a.json {
			f = &observe.JSONL{Encoding: enc}
		}
		logs = append(logs, observe.NewLog(a.stderr, f, observe.LogOptions{}))
	}
	for _, l := range logs {
		all = append(all, l)
	}
	return observe.Multi(all...), func() error {
		var errs []error
		for _, l := range logs {
			errs = append(errs, l.Close())
		}
		if file != nil {
			errs = append(errs, file.Close())
		}
		return errors.Join(errs...)
	}, nil
}
