package bench_test

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkSend delivers an issue, sealed before, over loopback to a counting
// server that is a process of its own, and in turn with it what bounds it: the
// same number of messages of the same size, over as many connections, by
// smtp-source and by a bare loop. With -benchtime 5x it shows medians of five.
//
//	msg/s, µs-cpu/msg    the program's, ledger included
//	bare/s, source/s     those of the others
//	of-bare, of-source   the median ratio, round by round
func BenchmarkSend(b *testing.B) {
	for _, c := range []struct {
		name        string
		engine      string
		connections int
		latency     time.Duration
		signed      bool
		share       int // of the messages, to keep slow ones short
	}{
		{"sqlite", "sqlite", 16, 0, false, 1},
		{"postgres", "postgres", 16, 0, false, 1},
		{"sqlite/latency=20ms", "sqlite", 32, 20 * time.Millisecond, false, 1},
		{"sqlite/signed", "sqlite", 16, 0, true, 4},
	} {
		b.Run(c.name, func(b *testing.B) {
			n := *messages / c.share
			port := freePort(b)
			s := newSite(b, c.engine, port, c.connections, n, c.signed)
			args := []string{"-latency", c.latency.String()}
			var rate, cpu, bare, source, ofBare, ofSource, octets []float64
			for b.Loop() {
				s.compose()
				k := serve(b, port, args...)
				u := s.run(0, "run", "--yes", "--offline-links")
				own := k.stop(b)
				if own.Accepted != n || own.More > 0 {
					b.Fatalf("%d of %d messages arrived, %d of them twice", own.Accepted, n, own.More)
				}
				size := own.Bytes / own.Accepted
				rate = append(rate, own.Rate)
				cpu = append(cpu, float64(u.cpu.Microseconds())/float64(n))
				octets = append(octets, float64(size))

				message := madeMessage(size)
				if c.signed {
					message = signedMessage(b, size)
				}
				k = serve(b, port, args...)
				bareLoop(b, k, c.connections, n, message)
				x := k.stop(b).Rate
				bare, ofBare = append(bare, x), append(ofBare, own.Rate/x)

				k = serve(b, port, args...)
				if smtpSource(b, k, c.connections, n, size) {
					x := k.stop(b).Rate
					source, ofSource = append(source, x), append(ofSource, own.Rate/x)
				} else {
					k.stop(b)
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(rate), "msg/s")
			b.ReportMetric(median(cpu), "µs-cpu/msg")
			b.ReportMetric(median(octets), "octets")
			b.ReportMetric(median(bare), "bare/s")
			b.ReportMetric(median(ofBare), "of-bare")
			if len(source) > 0 {
				b.ReportMetric(median(source), "source/s")
				b.ReportMetric(median(ofSource), "of-source")
			}
			if c.latency > 0 {
				b.ReportMetric(median(rate)/(float64(c.connections)/c.latency.Seconds()), "of-one-trip")
			}
		})
	}
}

// BenchmarkAudience freezes an issue's audience and delivers it, with more and
// more subscribers: memory must not grow with them.
func BenchmarkAudience(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		for n := 10_000; n <= *audience; n *= 10 {
			b.Run(fmt.Sprintf("%s/%d", engine, n), func(b *testing.B) {
				port := freePort(b)
				s := newSite(b, engine, port, 16, n, false)
				for b.Loop() {
					before := s.bytes()
					sealing := s.compose()
					k := serve(b, port)
					u := s.run(0, "run", "--yes", "--offline-links")
					if own := k.stop(b); own.Accepted != n || own.More > 0 {
						b.Fatalf("%d of %d messages arrived, %d of them twice", own.Accepted, n, own.More)
					}
					b.ReportMetric(sealing.wall.Seconds(), "s-sealing")
					b.ReportMetric(float64(sealing.peak)/(1<<20), "MB-sealing")
					b.ReportMetric(float64(u.peak)/(1<<20), "MB-sending")
					b.ReportMetric(float64(n)/u.wall.Seconds(), "msg/s")
					b.ReportMetric(float64(s.bytes()-before)/float64(n), "B/delivery")
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
