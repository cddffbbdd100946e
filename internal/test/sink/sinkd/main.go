// Command sinkd is the counting SMTP server of package sink as a process of its
// own, for benchmarks and for trying things by hand:
//
//	go run ./internal/test/sink/sinkd -listen 127.0.0.1:2525 -later 0.1
//
// SIGUSR1 prints the report as JSON, SIGHUP forgets what was counted, SIGUSR2
// starts an outage of -outage; SIGINT and SIGTERM print the report and end.
package main

import (
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"syndicate/internal/test/sink"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() error {
	var o sink.Options
	var cert, key string
	var outage time.Duration
	var all bool
	flag.StringVar(&o.Addr, "listen", "127.0.0.1:2525", "address and port")
	flag.BoolVar(&o.NoPipelining, "no-pipelining", false, "do not offer PIPELINING")
	flag.BoolVar(&o.Eager, "eager", false, "say 354 although no recipient was accepted")
	flag.StringVar(&cert, "cert", "", "offer STARTTLS with this certificate (PEM)")
	flag.StringVar(&key, "key", "", "and its key")
	flag.StringVar(&o.Username, "user", "", "demand a login")
	flag.StringVar(&o.Password, "password", "", "and its password")
	flag.IntVar(&o.PerConnection, "per-connection", 0, "messages after which a connection gets 421")
	flag.DurationVar(&o.Latency, "latency", 0, "round trip")
	flag.DurationVar(&o.Work, "work", 0, "time before the reply to a message")
	flag.Uint64Var(&o.Seed, "seed", 0, "chooses other recipients for the faults")
	flag.Float64Var(&o.Faults.Later, "later", 0, "share of recipients put off once (451)")
	flag.Float64Var(&o.Faults.Refuse, "refuse", 0, "share of recipients refused (550)")
	flag.Float64Var(&o.Faults.RefuseDot, "refuse-dot", 0, "share put off once at the final dot (451)")
	flag.Float64Var(&o.Faults.DropBody, "drop-body", 0, "share whose connection is lost once before the final dot")
	flag.Float64Var(&o.Faults.DropReply, "drop-reply", 0, "share whose connection is lost once after it")
	flag.DurationVar(&outage, "outage", 5*time.Second, "how long an outage lasts")
	flag.BoolVar(&all, "all", false, "every recipient in the report")
	flag.Parse()
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return err
		}
		o.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	s, err := sink.Start(o)
	if err != nil {
		return err
	}
	defer s.Close()
	host, port := s.Addr()
	fmt.Fprintf(os.Stderr, "listening on %s:%d\n", host, port)
	for {
		switch <-signals {
		case syscall.SIGHUP:
			s.Reset()
		case syscall.SIGUSR1:
			if err := report(s, all); err != nil {
				return err
			}
		case syscall.SIGUSR2:
			if err := s.SetMode(sink.Down); err != nil {
				return err
			}
			time.Sleep(outage)
			if err := s.SetMode(sink.Working); err != nil {
				return err
			}
		default:
			return report(s, all)
		}
	}
}

func report(s *sink.Server, all bool) error {
	out := struct {
		sink.Report
		All map[string]sink.Recipient `json:"all,omitempty"`
	}{Report: s.Report()}
	if all {
		out.All = s.Recipients()
	}
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(out)
}
