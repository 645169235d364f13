package observe_test

import (
	"fmt"
	"os"
	"time"

	"sockeye.dev/observe"
)

func ExampleLog() {
	log := observe.NewLog(os.Stdout, &observe.Transcript{}, observe.LogOptions{Block: true})
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	log.Observe(observe.Event{Kind: observe.Data, Dir: observe.In, Conv: 1, Time: now, Data: []byte("hello\x1b[2J\n")})
	log.Observe(observe.Event{Kind: observe.EOF, Dir: observe.In, Conv: 1, Time: now})
	if err := log.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 2026-03-01T12:00:00.000Z #1 < 10 bytes
	//   hello\x1b[2J
	// 2026-03-01T12:00:00.000Z #1 < eof
}

func ExampleJSONL() {
	var j observe.JSONL
	for _, s := range []string{"你好", "\xff"} {
		e := observe.Event{Kind: observe.Data, Dir: observe.In, Conv: 1, Data: []byte(s)}
		fmt.Printf("%s", j.AppendEvent(nil, &e))
	}
	// Output:
	// {"conv":1,"event":"data","dir":"in","offset":0,"size":6,"text":"你好"}
	// {"conv":1,"event":"data","dir":"in","offset":0,"size":1,"base64":"/w=="}
}

func ExampleCounters() {
	var c observe.Counters
	c.Observe(observe.Event{Kind: observe.Open})
	c.Observe(observe.Event{Kind: observe.Data, Dir: observe.Out, Data: []byte("hello")})
	fmt.Println(c.Counts())
	// Output:
	// 1 conversation (1 open), 0 bytes in, 5 bytes out
}

func ExampleAppendHexdump() {
	fmt.Printf("%s", observe.AppendHexdump(nil, []byte("Give me the time\r\n"), 0))
	// Output:
	// 00000000: 4769 7665 206d 6520 7468 6520 7469 6d65  Give me the time
	// 00000010: 0d0a                                     ..
}
