// Package bench measures the whole program at work, beside what bounds it: real
// processes, a real database, real SMTP over loopback. It holds benchmarks only;
// docs/benchmarks.md says what they showed.
package bench
