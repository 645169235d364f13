//go:build !windows

package main

// systemLanguage is the language of a system that has no locale in the
// environment.
func systemLanguage() string { return "" }
