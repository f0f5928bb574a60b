package main

import (
	"fmt"
	"time"

	"github.com/relab/gorums"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	pb "quorate.test/interop/interopv1"
)

// Setup is the first line on stdin.
type Setup struct {
	// Role is "server", "client" or "replica".
	Role string `json:"role"`
	// Address is where a server or replica listens.
	Address string `json:"address"`
	// Node is the id of a replica.
	Node uint32 `json:"node"`
	// Nodes are the addresses to connect to, by id; of a replica all of them, its own included.
	Nodes map[uint32]string `json:"nodes"`
	// Serves says whether a client answers calls of its servers.
	Serves bool `json:"serves"`
	// Metadata is that of the streams that a client opens.
	Metadata map[string]string `json:"metadata"`
}

// Peer is a server, a client or a replica.
type Peer struct {
	system   *gorums.System
	outbound gorums.Configuration
}

type address string

func (a address) Addr() string { return string(a) }

func newPeer(setup Setup) (*Peer, error) {
	nodes := make(map[uint32]address, len(setup.Nodes))
	for id, addr := range setup.Nodes {
		nodes[id] = address(addr)
	}
	switch setup.Role {
	case "server":
		return serve(setup.Address, 0)
	case "client":
		return dial(setup, gorums.WithNodes(nodes))
	case "replica":
		list := gorums.WithNodes(nodes)
		return serve(nodes[setup.Node].Addr(), setup.Node, append(dialOptions(),
			gorums.WithServerOptions(gorums.WithConfig(setup.Node, list)),
			gorums.WithOutboundNodes(list))...)
	default:
		return nil, fmt.Errorf("no role %q", setup.Role)
	}
}

func serve(addr string, node uint32, options ...gorums.DialOption) (*Peer, error) {
	system, err := gorums.NewSystem(addr, options...)
	if err != nil {
		return nil, err
	}
	system.RegisterService(nil, func(server *gorums.Server) {
		pb.RegisterInteropServer(server, &service{node: node})
	})
	go func() {
		if err := system.Serve(); err != nil {
			fail(err)
		}
	}()
	return &Peer{system: system, outbound: system.OutboundConfig()}, nil
}

func dial(setup Setup, list gorums.NodeListOption) (*Peer, error) {
	options := append(dialOptions(), gorums.WithMetadata(metadata.New(setup.Metadata)))
	if setup.Serves {
		server := gorums.NewServer()
		pb.RegisterInteropServer(server, &service{})
		options = append(options, gorums.WithServer(server))
	}
	outbound, err := gorums.NewConfig(list, options...)
	if err != nil {
		return nil, err
	}
	return &Peer{outbound: outbound}, nil
}

// dialOptions has a back-off with which a peer that comes back is found soon: the default goes up to two minutes. Not
// gorums.WithBackoff, because that takes the least time of an attempt to connect away: each would end after the delay.
func dialOptions() []gorums.DialOption {
	return []gorums.DialOption{gorums.WithDialOptions(
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			MinConnectTimeout: 10 * time.Second,
			Backoff: backoff.Config{
				BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second,
			},
		}),
	)}
}

func (p *Peer) address() string {
	if p.system == nil {
		return ""
	}
	return p.system.Addr()
}

// configuration is the one that a command names.
func (p *Peer) configuration(name string) (gorums.Configuration, error) {
	switch name {
	case "outbound":
		return p.outbound, nil
	case "peers":
		return p.system.Config(), nil
	case "clients":
		return p.system.ClientConfig(), nil
	default:
		return nil, fmt.Errorf("no configuration %q", name)
	}
}
