package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/relab/gorums"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	pb "quorate.test/interop/interopv1"
)

// callTime bounds every call that does not say its own time.
const callTime = 10 * time.Second

// Command is a line on stdin.
type Command struct {
	ID int `json:"id"`
	// Do is "nodes", "majority" (of a Read), "absent" or "burst", else the name of the method to call.
	Do string `json:"do"`
	// On is the configuration: "outbound", "peers" or "clients".
	On string `json:"on"`
	// Node is the node of a call to one node.
	Node uint32 `json:"node"`
	// Request is the request of a call, as JSON.
	Request json.RawMessage `json:"request"`
	// Count is the number of calls of a burst, and the level of a correctable call.
	Count     int               `json:"count"`
	Metadata  map[string]string `json:"metadata"`
	TimeoutMs int               `json:"timeoutMs"`
}

func (p *Peer) run(command Command) (any, error) {
	config, err := p.configuration(command.On)
	if err != nil {
		return nil, err
	}
	if command.Do == "nodes" {
		return config.NodeIDs(), nil
	}
	if config.Size() == 0 {
		return nil, status.Error(codes.FailedPrecondition, "the configuration is empty")
	}
	timeout := callTime
	if command.TimeoutMs != 0 {
		timeout = time.Duration(command.TimeoutMs) * time.Millisecond
	}
	ctx := expiring(context.Background(), timeout)
	for key, value := range command.Metadata {
		ctx = metadata.AppendToOutgoingContext(ctx, key, value)
	}
	switch command.Do {
	case "PutAll":
		return nothing(pb.PutAll(config.Context(ctx), read(command, &pb.PutRequest{})))
	case "Read":
		return eachOf(pb.Read(config.Context(ctx), read(command, &pb.EchoRequest{})))
	case "majority":
		return one(pb.Read(config.Context(ctx), read(command, &pb.EchoRequest{})).Majority())
	case "Updates":
		return latest(pb.Updates(config.Context(ctx), read(command, &pb.EchoRequest{})), command.Count)
	default:
		return callNode(ctx, config, command)
	}
}

func callNode(ctx context.Context, config gorums.Configuration, command Command) (any, error) {
	for _, node := range config {
		if node.ID() != command.Node {
			continue
		}
		at := node.Context(ctx)
		switch command.Do {
		case "Echo":
			return one(pb.Echo(at, read(command, &pb.EchoRequest{})))
		case "Fail":
			return one(pb.Fail(at, read(command, &pb.FailRequest{})))
		case "Put":
			return nothing(pb.Put(at, read(command, &pb.PutRequest{})))
		case "Taken":
			return one(pb.Taken(at, &emptypb.Empty{}))
		case "AskClients":
			return one(pb.AskClients(at, read(command, &pb.EchoRequest{})))
		case "AskPeers":
			return one(pb.AskPeers(at, read(command, &pb.EchoRequest{})))
		case "absent":
			return one(gorums.RPCCall[*emptypb.Empty, *emptypb.Empty](at, &emptypb.Empty{}, "absent.v1.Absent.Ask"))
		case "burst":
			return burst(at, command.Count)
		default:
			return nil, fmt.Errorf("no command %q", command.Do)
		}
	}
	return nil, status.Errorf(codes.NotFound, "no node %d", command.Node)
}

// burst sends the numbers from 0 on one after the other, each without waiting for what becomes of it.
func burst(at *gorums.NodeContext, count int) (any, error) {
	for number := range count {
		if err := pb.Put(at, &pb.PutRequest{Number: uint32(number)}, gorums.IgnoreErrors()); err != nil {
			return nil, err
		}
	}
	return one(pb.Taken(at, &emptypb.Empty{}))
}

// expiring is a context that ends when its time is over, and not before: Gorums gives up the stream on which a call
// is being sent when that call is cancelled, and of a stream that a peer opened no other takes the place.
func expiring(parent context.Context, timeout time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(parent, timeout)
	time.AfterFunc(timeout, cancel)
	return ctx
}

func read[Request proto.Message](command Command, request Request) Request {
	if len(command.Request) > 0 {
		if err := protojson.Unmarshal(command.Request, request); err != nil {
			fail(err)
		}
	}
	return request
}

func one[Reply proto.Message](reply Reply, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return asJSON(reply)
}

// nothing is the reply of a one-way call.
func nothing(err error) (any, error) { return map[string]any{}, err }

// outcome is what became of a quorum call at one node.
type outcome struct {
	Node  uint32 `json:"node"`
	Reply any    `json:"reply,omitempty"`
	Error any    `json:"error,omitempty"`
}

func eachOf(responses *gorums.Responses[*pb.EchoReply]) (any, error) {
	outcomes := make([]outcome, 0, responses.Size())
	for response := range responses.Results() {
		reply, err := one(response.Value, response.Err)
		if err != nil {
			code, text := codeAndText(err)
			outcomes = append(outcomes, outcome{
				Node: response.NodeID, Error: map[string]any{"code": code, "message": text},
			})
			continue
		}
		outcomes = append(outcomes, outcome{Node: response.NodeID, Reply: reply})
	}
	return outcomes, nil
}

// latest waits until the correctable has the level.
func latest(responses *gorums.Responses[*pb.EchoReply], level int) (any, error) {
	correctable := responses.Correctable(level)
	<-correctable.Done()
	value, reached, err := correctable.Get()
	if err != nil {
		return nil, err
	}
	reply, err := asJSON(value)
	return map[string]any{"level": reached, "reply": reply}, err
}

func asJSON(message proto.Message) (any, error) {
	text, err := protojson.Marshal(message)
	return json.RawMessage(text), err
}

// codeAndText is the gRPC code of an error, and its text without that code.
func codeAndText(err error) (codes.Code, string) {
	if errors.Is(err, context.DeadlineExceeded) {
		return codes.DeadlineExceeded, err.Error()
	}
	converted := status.Convert(err)
	return converted.Code(), converted.Message()
}
