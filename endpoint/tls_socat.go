package endpoint

import (
	"slices"
	"strings"
)

// socatTLSSame are the options that only socat's OPENSSL addresses have.
var socatTLSSame = map[string]string{"certificate": "cert", "cafile": "ca", "snihost": "sni", "commonname": "sni", "cn": "sni",
	"min-version": "minver", "openssl-min-proto-version": "minver"}

// socatTLS translates the options of an OPENSSL address. verify=0 is insecure
// for who connects, and asks nobody for a certificate when listening.
func socatTLS(listen bool, opts []string) []string {
	anyone := slices.Contains(opts, "verify=0")
	var ours []string
	for _, opt := range opts {
		key, value, hasValue := strings.Cut(opt, "=")
		key = strings.ToLower(key)
		if same, ok := socatTLSSame[key]; ok {
			key = same
		}
		switch {
		case key == "verify" && (value == "0" || value == "1" || value == ""):
			continue
		case key == "ca" && listen && anyone:
			continue
		case key == "ca" && listen:
			key = "clientca"
		}
		if hasValue {
			key += "=" + value
		}
		ours = append(ours, key)
	}
	if anyone && !listen {
		ours = append(ours, "insecure=on")
	}
	return ours
}
