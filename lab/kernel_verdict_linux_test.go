package lab

import "testing"

// What is inferred from the log is what a stack says that can be asked.
func TestKernelVerdicts(t *testing.T) {
	for _, share := range []string{
		"?seed=4&flow=tcp A>B bytes 60000&flow=udp A>B count 50 size 300 every 2ms&link=delay 5ms 1ms loss 4% corrupt 3% duplicate 3%",
		"?flow=tcp A>B bytes 60000 buffer 16384 pause 1s&link=delay 5ms loss 3%",
		"?flow=tcp A>B bytes 1000 closed&link=delay 5ms",
		"?flow=tcp A>B bytes 90000 abort 30000&link=delay 5ms",
		"?flow=tcp A>B bytes 2000 closeat 50ms reply 3000&flow=udp B>A count 2 size 100&link=delay 5ms",
	} {
		s := kernelSetup(t, share)
		run, err := Do(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		k := newKernel(s, -1)
		k.run.Run = *run
		k.run.Packets, k.run.Counters = nil, make([]Counters, s.hosts())
		for i, f := range run.Flows {
			k.wire.streams.get(streamKey{f.Flow.From, f.Flow.To, f.ClientPort, f.Port}).flow = i
			k.wire.streams.get(streamKey{f.Flow.To, f.Flow.From, f.Port, f.ClientPort}).flow = i
		}
		for _, p := range run.Packets {
			q := *p
			q.Verdict = Verdict{}
			if q.CopyOf == 0 && q.Header.Proto == "TCP" {
				k.wire.streams.decode(&q)
			}
			k.run.Packets = append(k.run.Packets, &q)
		}
		k.infer()
		for i, p := range run.Packets {
			got, want := k.run.Packets[i].Verdict, p.Verdict
			got.Inferred, want.Inferred = false, false
			// Which acknowledgement is a duplicate each stack counts in its own way.
			if says := got.Kind == Acknowledges || want.Kind == Acknowledges || takesNumbers(p) || p.Header.Proto != "TCP"; says && got != want {
				t.Errorf("%s: packet %d %s: %v, but the stack says %v", share, p.ID, p.Summary(), got, want)
			}
		}
	}
}
