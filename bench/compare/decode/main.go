package main

import "sockeye.dev/charset"

func main() {
	e, _ := charset.Lookup("gbk")
	print(e.Name(), "\n")
	if e == nil {
		charset.Detect(nil)
	}
}
