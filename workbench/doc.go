// Package workbench is what `sockeye serve` runs, as a library: what its file says, and what it tells others of its
// state.
//
// [ReadFile] reads the file: YAML, strictly, every fault of it at once and each with its line and column. What comes
// back is complete and consistent; every default is filled in. [Schema] is the same file as a JSON Schema, for editors.
// [Status] answers /metrics, /healthz and /readyz; [Inherit] takes the sockets systemd has opened, for endpoint.Host,
// and [Notifier] tells it that we are ready, reloading or stopping.
//
//	file, err := workbench.Load("sockeye.yaml")
//	if err != nil {
//		return err // sockeye.yaml:3:5: listen.rom: unknown key (did you mean room?)
//	}
//	for _, door := range file.Listen {
//		fmt.Println(door.Address, door.Room)
//	}
//
// The package opens nothing that the file names, and reads neither the environment nor signals: those are main's.
package workbench
