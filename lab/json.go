package lab

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"time"
)

// JSON writes the run for programs: each thing an object on a line of its own,
// "what" it is first. Times are seconds of virtual time.
//
//	run      share, digest, packets, events, virtual
//	packet   id, from, to, flow, sent, start, arrived, fate, why, cause, verdict,
//	         header; raw and got in base64, got only if it differs
//	state    at, host, flow, state
//	sample   at, host, flow, cwnd, ssthresh, outstanding, srtt, rto
//	flow     index, text, established, complete, receipts, errors
//	claim    claim, tcp, udp: outcome and numbers
func (r *Run) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	put := func(v any) error { return enc.Encode(v) }
	if err := put(jsonRun{"run", r.Setup.Share(), r.Digest(), len(r.Packets), r.Events, seconds(r.Virtual)}); err != nil {
		return err
	}
	for _, p := range r.Packets {
		if err := put(p.json()); err != nil {
			return err
		}
	}
	for _, s := range r.States {
		if err := put(jsonState{"state", seconds(s.At), Host(s.Host), s.Flow, s.State}); err != nil {
			return err
		}
	}
	for _, s := range r.Samples {
		if err := put(jsonSample{"sample", seconds(s.At), Host(s.Host), s.Flow, s.Cwnd, s.Ssthresh, s.Outstanding, seconds(s.SRTT), seconds(s.RTO)}); err != nil {
			return err
		}
	}
	for i, f := range r.Flows {
		j := jsonFlow{What: "flow", Index: i, Text: f.Flow.String(), Complete: f.Complete, SentBytes: f.SentBytes, ClientError: f.ClientError, ServerError: f.ServerError}
		if f.Established != Never {
			at := seconds(f.Established)
			j.Established = &at
		}
		for _, c := range f.Receipts {
			j.Receipts = append(j.Receipts, jsonReceipt{Host(c.Host), c.Sent, c.InOrder, c.OutOfOrder, c.Repeated, c.Damaged, c.Missing(), c.Bytes})
		}
		if err := put(j); err != nil {
			return err
		}
	}
	for _, row := range r.Score() {
		if err := put(jsonClaim{"claim", row.Claim.En, row.TCP.json(), row.UDP.json()}); err != nil {
			return err
		}
	}
	return nil
}

type jsonRun struct {
	What    string  `json:"what"`
	Share   string  `json:"share"`
	Digest  string  `json:"digest"`
	Packets int     `json:"packets"`
	Events  int     `json:"events"`
	Virtual float64 `json:"virtual"`
}

type jsonPacket struct {
	What    string       `json:"what"`
	ID      int          `json:"id"`
	From    string       `json:"from"`
	To      string       `json:"to"`
	CopyOf  int          `json:"copy_of,omitempty"`
	Flow    *int         `json:"flow,omitempty"`
	Sent    float64      `json:"sent"`
	Start   float64      `json:"start"`
	Arrived *float64     `json:"arrived,omitempty"`
	Fate    Fate         `json:"fate"`
	Why     Why          `json:"why"`
	Cause   string       `json:"cause"`
	Packet  int          `json:"cause_packet,omitempty"`
	Verdict *jsonVerdict `json:"verdict,omitempty"`
	Header  jsonHeader   `json:"header"`
	Raw     string       `json:"raw"`
	Got     string       `json:"got,omitempty"`
}

type jsonVerdict struct {
	Kind     VerdictKind `json:"kind"`
	Bytes    int         `json:"bytes,omitempty"`
	Fin      bool        `json:"fin,omitempty"`
	Seq      uint32      `json:"seq,omitempty"`
	N        int         `json:"n,omitempty"`
	Inferred bool        `json:"inferred,omitempty"`
}

type jsonHeader struct {
	Proto   string      `json:"proto"`
	SrcPort uint16      `json:"sport,omitempty"`
	DstPort uint16      `json:"dport,omitempty"`
	Flags   string      `json:"flags,omitempty"`
	Seq     *uint32     `json:"seq,omitempty"`
	Ack     *uint32     `json:"ack,omitempty"`
	Window  *int        `json:"window,omitempty"`
	Len     int         `json:"len"`
	Sack    [][2]uint32 `json:"sack,omitempty"`
}

func (p *Packet) json() jsonPacket {
	h := &p.Header
	j := jsonPacket{What: "packet", ID: p.ID, From: Host(p.From), To: Host(p.To), CopyOf: p.CopyOf, Sent: seconds(p.Sent), Start: seconds(p.Start),
		Fate: p.Fate, Why: p.Why, Cause: p.Cause.Kind, Packet: p.Cause.Packet,
		Header: jsonHeader{Proto: h.Proto, SrcPort: h.SrcPort, DstPort: h.DstPort, Flags: h.Flags, Len: h.Len},
		Raw:    base64.StdEncoding.EncodeToString(p.Raw)}
	if p.Flow >= 0 {
		j.Flow = &p.Flow
	}
	if p.Got != nil {
		j.Got = base64.StdEncoding.EncodeToString(p.Got)
	}
	if h.Proto == "TCP" {
		j.Header.Seq, j.Header.Ack, j.Header.Window = &h.Seq, &h.Ack, &h.Window
		for _, s := range h.Sack {
			j.Header.Sack = append(j.Header.Sack, [2]uint32{s.From, s.To})
		}
	}
	if p.Delivered() {
		at := seconds(p.Arrived)
		j.Arrived = &at
		v := p.Verdict
		j.Verdict = &jsonVerdict{v.Kind, v.Bytes, v.Fin, v.Seq, v.N, v.Inferred}
	}
	return j
}

type jsonState struct {
	What  string  `json:"what"`
	At    float64 `json:"at"`
	Host  string  `json:"host"`
	Flow  int     `json:"flow"`
	State string  `json:"state"`
}

type jsonSample struct {
	What        string  `json:"what"`
	At          float64 `json:"at"`
	Host        string  `json:"host"`
	Flow        int     `json:"flow"`
	Cwnd        int     `json:"cwnd"`
	Ssthresh    int     `json:"ssthresh"`
	Outstanding int     `json:"outstanding"`
	SRTT        float64 `json:"srtt"`
	RTO         float64 `json:"rto"`
}

type jsonFlow struct {
	What        string        `json:"what"`
	Index       int           `json:"index"`
	Text        string        `json:"text"`
	Established *float64      `json:"established,omitempty"`
	Complete    bool          `json:"complete"`
	SentBytes   int           `json:"sent_bytes"`
	Receipts    []jsonReceipt `json:"receipts,omitempty"`
	ClientError string        `json:"client_error,omitempty"`
	ServerError string        `json:"server_error,omitempty"`
}

type jsonReceipt struct {
	Host       string `json:"host"`
	Sent       int    `json:"sent"`
	InOrder    int    `json:"in_order"`
	OutOfOrder int    `json:"out_of_order"`
	Repeated   int    `json:"repeated"`
	Damaged    int    `json:"damaged"`
	Missing    int    `json:"missing"`
	Bytes      int    `json:"bytes"`
}

type jsonClaim struct {
	What  string    `json:"what"`
	Claim string    `json:"claim"`
	TCP   *jsonCell `json:"tcp,omitempty"`
	UDP   *jsonCell `json:"udp,omitempty"`
}

type jsonCell struct {
	Outcome Outcome `json:"outcome"`
	Numbers string  `json:"numbers"`
}

func (c Cell) json() *jsonCell {
	if c.Outcome == "" {
		return nil
	}
	return &jsonCell{c.Outcome, c.Numbers.En}
}

// seconds is a time of the run; the nearest float64 to whole nanoseconds, which
// is printed as them.
func seconds(d time.Duration) float64 { return float64(d) / 1e9 }
