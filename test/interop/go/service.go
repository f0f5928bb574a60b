package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/relab/gorums"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	pb "quorate.test/interop/interopv1"
)

// service is what the peer serves, whichever its role.
type service struct {
	node uint32

	mu      sync.Mutex
	numbers []uint32
}

func (s *service) reply(ctx context.Context, req *pb.EchoRequest) *pb.EchoReply {
	return &pb.EchoReply{
		Text:     "go: " + req.GetText(),
		Node:     s.node,
		Data:     make([]byte, req.GetReplyBytes()),
		Metadata: entriesOf(ctx),
	}
}

func (s *service) Echo(ctx gorums.ServerCtx, req *pb.EchoRequest) (*pb.EchoReply, error) {
	return s.reply(ctx, req), nil
}

func (s *service) Fail(_ gorums.ServerCtx, req *pb.FailRequest) (*pb.EchoReply, error) {
	err := errors.New(req.GetText())
	if req.GetCode() != 0 {
		err = status.Error(codes.Code(req.GetCode()), req.GetText())
	}
	if req.GetWrappedBy() != "" {
		err = fmt.Errorf("%s: %w", req.GetWrappedBy(), err)
	}
	return nil, err
}

func (s *service) Put(_ gorums.ServerCtx, req *pb.PutRequest) { s.put(req) }

func (s *service) PutAll(_ gorums.ServerCtx, req *pb.PutRequest) { s.put(req) }

func (s *service) put(req *pb.PutRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.numbers = append(s.numbers, req.GetNumber())
}

func (s *service) Taken(gorums.ServerCtx, *emptypb.Empty) (*pb.TakenReply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &pb.TakenReply{Numbers: slices.Clone(s.numbers)}, nil
}

func (s *service) Read(ctx gorums.ServerCtx, req *pb.EchoRequest) (*pb.EchoReply, error) {
	return s.reply(ctx, req), nil
}

func (s *service) Updates(ctx gorums.ServerCtx, req *pb.EchoRequest, send func(*pb.EchoReply)) {
	for number := range req.GetReplies() {
		reply := s.reply(ctx, req)
		reply.Text = fmt.Sprintf("%s %d", reply.Text, number+1)
		send(reply)
	}
}

func (s *service) AskClients(ctx gorums.ServerCtx, req *pb.EchoRequest) (*pb.AnswersReply, error) {
	// Its caller may be one of those asked.
	ctx.Release()
	clients := ctx.ClientConfig()
	return ask(ctx, clients, req, clients.Size())
}

func (s *service) AskPeers(ctx gorums.ServerCtx, req *pb.EchoRequest) (*pb.AnswersReply, error) {
	ctx.Release()
	peers := ctx.Config()
	return ask(ctx, peers, req, peers.Size()/2+1)
}

func ask(ctx context.Context, config gorums.Configuration, req *pb.EchoRequest, threshold int) (*pb.AnswersReply, error) {
	answers := &pb.AnswersReply{Asked: uint32(config.Size())}
	if config.Size() == 0 {
		return answers, nil
	}
	ctx = expiring(ctx, callTime)
	var failures []error
	for response := range pb.Read(config.Context(ctx), req).Results() {
		if response.Err != nil {
			failures = append(failures, fmt.Errorf("node %d: %w", response.NodeID, response.Err))
			continue
		}
		answers.Replies = append(answers.Replies, response.Value)
		if len(answers.Replies) == threshold {
			return answers, nil
		}
	}
	return nil, fmt.Errorf("%d of %d answered: %w", len(answers.Replies), config.Size(), errors.Join(failures...))
}

// entriesOf returns the metadata of a request whose keys begin with "x-", in the order of keys.
func entriesOf(ctx context.Context) (entries []*pb.Entry) {
	incoming, _ := metadata.FromIncomingContext(ctx)
	for key, values := range incoming {
		if !strings.HasPrefix(key, "x-") {
			continue
		}
		for _, value := range values {
			entries = append(entries, &pb.Entry{Key: key, Value: value})
		}
	}
	slices.SortStableFunc(entries, func(a, b *pb.Entry) int { return strings.Compare(a.GetKey(), b.GetKey()) })
	return entries
}
