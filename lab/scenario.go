package lab

func scenario(name string) (Setup, error) { return Setup{Name: name}, nil }
