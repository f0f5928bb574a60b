// Command interop is a Gorums peer that tests drive: the first line on stdin says what it is to be, every further
// line is a command, and each is answered by one line on stdout. It ends with its stdin.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	if !lines.Scan() {
		return
	}
	var setup Setup
	if err := json.Unmarshal(lines.Bytes(), &setup); err != nil {
		fail(err)
	}
	peer, err := newPeer(setup)
	if err != nil {
		fail(err)
	}
	out := &output{encoder: json.NewEncoder(os.Stdout)}
	out.write(map[string]any{"ready": true, "address": peer.address()})
	for lines.Scan() {
		var command Command
		if err := json.Unmarshal(lines.Bytes(), &command); err != nil {
			fail(err)
		}
		go func() {
			result, err := peer.run(command)
			out.write(answer(command.ID, result, err))
		}()
	}
}

func answer(id int, result any, err error) map[string]any {
	if err == nil {
		return map[string]any{"id": id, "ok": result}
	}
	code, text := codeAndText(err)
	return map[string]any{"id": id, "error": map[string]any{"code": code, "message": text}}
}

// output keeps the lines of concurrent commands apart.
type output struct {
	mu      sync.Mutex
	encoder *json.Encoder
}

func (o *output) write(line any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.encoder.Encode(line); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "interop peer:", err)
	os.Exit(1)
}
