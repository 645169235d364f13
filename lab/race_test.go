//go:build race

package lab

// raceDetector is on: other programs' answers, and twenty equal runs, tell it
// nothing and take minutes.
const raceDetector = true
