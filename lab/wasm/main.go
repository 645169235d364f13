//go:build js && wasm

// Command wasm is the lab for a browser: the same code as the command's, and so
// the same digests. It defines sockeyeLab, which lab/web/worker.js calls.
package main

import (
	"context"
	"fmt"
	"strings"
	"syscall/js"
	"time"

	"sockeye.dev/lab"
)

// sockeyeLab takes an object and returns a promise of one.
//
//	{share, lang, from, to, max, page}   runs what a share string says
//	{base, knobs, ...}                   runs a scenario with knobs set: {link: "delay 20ms", fault: ["..."]}
//	{scenarios: true, lang}              runs nothing: {scenarios: [{name, title, text}]}
//
// Times are in milliseconds. A run is {share, name, title, text, digest, ladder,
// plots, score, counts, packets, virtual, knobs}, with page also the whole page
// as html. What cannot be run is {error, what}: the knob it is about.
func main() {
	js.Global().Set("sockeyeLab", js.FuncOf(func(_ js.Value, args []js.Value) any {
		request := js.Undefined()
		if len(args) > 0 {
			request = args[0]
		}
		// The stacks have goroutines of their own, and a callback must return
		// before any of them runs.
		return js.Global().Get("Promise").New(js.FuncOf(func(_ js.Value, settle []js.Value) any {
			go func() {
				defer func() {
					if e := recover(); e != nil {
						settle[1].Invoke(js.Global().Get("Error").New(fmt.Sprint(e)))
					}
				}()
				settle[0].Invoke(js.ValueOf(answer(request)))
			}()
			return nil
		}))
	}))
	select {}
}

func answer(request js.Value) map[string]any {
	if request.Type() != js.TypeObject {
		return map[string]any{"error": "sockeyeLab takes an object", "what": ""}
	}
	o := lab.PageOptions{Lang: text(request.Get("lang")), From: moment(request.Get("from")), To: moment(request.Get("to"))}
	if n := request.Get("max"); n.Type() == js.TypeNumber {
		o.MaxPackets = n.Int()
	}
	if request.Get("scenarios").Truthy() {
		var list []any
		for _, s := range lab.Scenarios() {
			list = append(list, map[string]any{"name": s.Name, "title": s.Title.In(o.Lang), "text": s.Text.In(o.Lang)})
		}
		return map[string]any{"scenarios": list}
	}
	s, err := setup(request)
	if err != nil {
		what := ""
		if e, ok := err.(*lab.SetupError); ok {
			what = e.What
		}
		return map[string]any{"error": err.Error(), "what": what}
	}
	r, err := lab.Do(context.Background(), s)
	if err != nil {
		return map[string]any{"error": err.Error(), "what": ""}
	}
	p := r.Parts(o)
	out := map[string]any{
		"share": s.Share(), "name": s.Name, "title": p.Title, "text": p.Text, "digest": r.Digest(), "ladder": p.Ladder, "plots": p.Plots, "score": p.Score, "counts": p.Counts,
		"packets": len(r.Packets), "virtual": float64(r.Virtual) / 1e6, "knobs": knobs(s, o.Lang),
	}
	if request.Get("page").Truthy() {
		var b strings.Builder
		if err := r.HTML(&b, o); err != nil {
			return map[string]any{"error": err.Error(), "what": ""}
		}
		out["html"] = b.String()
	}
	return out
}

// setup is what a request wants to be run.
func setup(request js.Value) (lab.Setup, error) {
	if share := request.Get("share"); share.Type() == js.TypeString {
		return lab.Find(share.String())
	}
	s, err := lab.Find(text(request.Get("base")))
	turned := request.Get("knobs")
	if err != nil || turned.Type() != js.TypeObject {
		return s, err
	}
	for _, k := range lab.Knobs() {
		v := turned.Get(k.Name)
		switch {
		case v.IsUndefined():
		case k.Many:
			err = s.Set(k.Name, "")
			for i := 0; err == nil && i < v.Length(); i++ {
				if line := strings.TrimSpace(text(v.Index(i))); line != "" {
					err = s.Set(k.Name, line)
				}
			}
		case strings.TrimSpace(text(v)) != "":
			err = s.Set(k.Name, text(v))
		case k.Name == "ab" || k.Name == "ba": // as link says
		default:
			err = s.Set(k.Name, k.Default())
		}
		if err != nil {
			return s, err
		}
	}
	return s, s.Check()
}

// knobs are all there are, and how they stand.
func knobs(s lab.Setup, lang string) (out []any) {
	for _, k := range lab.Knobs() {
		values, choices := []any{}, []any{}
		for _, v := range k.Get(s) {
			values = append(values, v)
		}
		for _, v := range k.Choices {
			choices = append(choices, v)
		}
		out = append(out, map[string]any{"name": k.Name, "help": k.Help.In(lang), "many": k.Many, "choices": choices, "values": values, "default": k.Default()})
	}
	return out
}

func text(v js.Value) string {
	if v.Type() != js.TypeString {
		return ""
	}
	return v.String()
}

func moment(v js.Value) time.Duration {
	if v.Type() != js.TypeNumber {
		return 0
	}
	return time.Duration(v.Float() * 1e6)
}
