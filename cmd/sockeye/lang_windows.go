package main

import "golang.org/x/sys/windows"

// systemLanguage is the language of the user's windows and menus: nobody sets
// LANG there.
func systemLanguage() string {
	names, err := windows.GetUserPreferredUILanguages(windows.MUI_LANGUAGE_NAME)
	if err != nil || len(names) == 0 {
		return ""
	}
	return names[0]
}
