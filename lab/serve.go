//go:build !js

package lab

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// The browser lab: a page and the same program, built by web/build.sh.
//
//go:embed web/index.html web/lab.js web/lab.css web/run.js web/run.css web/worker.js web/wasm_exec.js web/lab.wasm.gz
var web embed.FS

const wasmName = "lab.wasm"

// A webFile is one file of the browser lab, ready to be served.
type webFile struct {
	kind, etag string
	data       []byte
	zipped     bool
}

// webKinds do not hang on what the system says of names.
var webKinds = map[string]string{".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".wasm": "application/wasm"}

// webFiles are all there are, by the path they are served at.
var webFiles = sync.OnceValue(func() map[string]webFile {
	files := make(map[string]webFile)
	entries, _ := web.ReadDir("web")
	for _, e := range entries {
		data, _ := web.ReadFile("web/" + e.Name())
		name := strings.TrimSuffix(e.Name(), ".gz")
		f := webFile{data: data, kind: webKinds[path.Ext(name)], zipped: name != e.Name()}
		sum := sha256.Sum256(data)
		f.etag = hex.EncodeToString(sum[:12])
		if name == "index.html" {
			name = ""
		}
		files[name] = f
	}
	return files
})

// pagePolicy lets the page load what it comes with, and nothing else.
const pagePolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves the browser lab: the page at / and its files beside it, wherever
// http.StripPrefix puts it. All computing is the browser's; the server keeps
// nothing.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := webFiles()[strings.TrimPrefix(r.URL.Path, "/")]
		switch {
		case !ok:
			http.NotFound(w, r)
			return
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.kind)
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		data, etag := f.data, f.etag
		if f.zipped {
			h.Add("Vary", "Accept-Encoding")
			if acceptsGzip(r.Header.Get("Accept-Encoding")) {
				h.Set("Content-Encoding", "gzip")
				etag += "-gzip"
			} else {
				data = unzipped()
			}
		}
		h.Set("ETag", `"`+etag+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	})
}

// acceptsGzip reports whether an Accept-Encoding names gzip, and not with q=0.
func acceptsGzip(header string) bool {
	any := false
	for _, v := range strings.Split(header, ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(v), ";")
		q = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(q), "q="))
		takes := strings.Trim(q, "0.") != "" || q == ""
		switch strings.TrimSpace(name) {
		case "gzip": // what is named outranks what is not (RFC 9110, 12.5.3)
			return takes
		case "*":
			any = takes
		}
	}
	return any
}

// unzipped is the program as it is, for the rare client that does not unzip.
var unzipped = sync.OnceValue(func() []byte {
	z, err := gzip.NewReader(bytes.NewReader(webFiles()[wasmName].data))
	if err != nil {
		return nil
	}
	data, err := io.ReadAll(z)
	if err != nil {
		return nil
	}
	return data
})
