package room

import (
	"reflect"
	"regexp"
	"slices"
	"testing"
)

// A translation says everything, with the same arguments.
func TestChineseIsComplete(t *testing.T) {
	verb := regexp.MustCompile(`%[a-z]`)
	english, chinese := reflect.ValueOf(English), reflect.ValueOf(Chinese)
	for i := range english.NumField() {
		name := english.Type().Field(i).Name
		e, c := english.Field(i).String(), chinese.Field(i).String()
		if e == "" {
			t.Errorf("%s has no words", name)
		}
		if c == "" || c == e {
			t.Errorf("%s is not translated", name)
		}
		if want, got := verb.FindAllString(e, -1), verb.FindAllString(c, -1); !slices.Equal(want, got) {
			t.Errorf("%s takes %q, not %q", name, got, want)
		}
	}
}
