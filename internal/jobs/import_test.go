package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"syndicate/internal/jobs"
	"syndicate/internal/store"
)

// listOf is a list of so many people, with some lines that cannot be used.
func listOf(n int) string {
	var b strings.Builder
	b.WriteString("email,name\n")
	for i := range n {
		if i%700 == 699 {
			b.WriteString("nobody\n\"two\nlines\",\n")
		}
		fmt.Fprintf(&b, "p%d@example.org,P\n", i)
	}
	return b.String()
}

func (s *site) importList(ctx context.Context, v *jobs.Service, list string, set ...func(*jobs.ImportOptions)) (jobs.ImportReport, error) {
	o := jobs.ImportOptions{Newsletter: "weekly", File: "list.csv", List: strings.NewReader(list), Size: int64(len(list))}
	for _, f := range set {
		f(&o)
	}
	return v.Import(ctx, o)
}

// An import that is interrupted keeps what was taken, and the same list goes on: each
// line is taken once.
func TestImportIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	interrupt := true
	s := newSite(t)
	v := s.service(func(o *jobs.Options) {
		o.OnProgress = func(p jobs.Progress) {
			if interrupt && p.Step == "import" && p.Done >= 2000 {
				cancel()
			}
		}
	})
	list := listOf(4500)
	r, err := s.importList(ctx, v, list)
	if !errors.Is(err, context.Canceled) || r.Done || r.Import != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	im, err := s.store.Import(t.Context(), r.Import)
	if err != nil {
		t.Fatal(err)
	}
	if im.State != store.ImportRunning || im.Through != r.Through || im.Results[store.Created] != s.readers() || s.readers() < 1000 || s.readers() >= 4500 {
		t.Fatalf("%+v, %d subscribers", im, s.readers())
	}
	interrupt = false
	r, err = s.importList(t.Context(), v, list)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Done || r.Import != 1 || r.Continued != im.Through || r.Results[store.Created] != 4500 || r.Results[store.Double]+r.Results[store.Exists] != 0 || s.readers() != 4500 {
		t.Errorf("%+v, %d subscribers", r, s.readers())
	}
	r, err = s.importList(t.Context(), v, list)
	if err != nil || r.Import != 0 || r.Results[store.Exists] != 4500 || r.Refused != 12 {
		t.Errorf("a third time: %+v, %v", r, err)
	}
}

// readers counts the weekly's.
func (s *site) readers() int {
	list, err := s.store.Subscribers(context.Background(), store.SubscriberQuery{Newsletter: "weekly"})
	if err != nil {
		s.t.Fatal(err)
	}
	return len(list)
}

// What is asked about is what would be done; a no, a dry run, or a list that cannot
// be read to its end change nothing.
func TestImportAsks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.service()
	list := listOf(1500) + "P3@example.org,\n"
	var asked jobs.ImportReport
	no := func(o *jobs.ImportOptions) {
		o.Confirm = func(_ context.Context, r jobs.ImportReport) (bool, error) {
			asked = r
			return false, nil
		}
	}
	if _, err := s.importList(t.Context(), v, list, no); err != nil {
		t.Fatal(err)
	}
	if asked.New() != 1500 || asked.Results[store.Double] != 1 || asked.Refused != 4 || asked.Lines != 1501 || len(asked.Samples[store.Created]) != 5 {
		t.Errorf("%+v", asked)
	}
	if _, err := s.importList(t.Context(), v, list, func(o *jobs.ImportOptions) { o.DryRun = true }); err != nil {
		t.Error(err)
	}
	endless := list + strings.Repeat("x", 2<<20)
	if _, err := s.importList(t.Context(), v, endless); err == nil || !strings.Contains(err.Error(), "no end") {
		t.Error(err)
	}
	if n := s.readers(); n != 0 {
		t.Errorf("%d subscribers", n)
	}
	if all, err := s.store.Imports(t.Context(), 0); err != nil || len(all) > 0 {
		t.Errorf("%v, %v", all, err)
	}
}

// shifting is another list when it is read again.
type shifting struct {
	io.ReadSeeker
	then []byte
}

func (s *shifting) Seek(offset int64, whence int) (int64, error) {
	s.ReadSeeker = bytes.NewReader(s.then)
	return s.ReadSeeker.Seek(offset, whence)
}

func TestImportOfAListThatChanges(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.service()
	list := &shifting{strings.NewReader("email\na@example.org\n"), []byte("email\nb@example.org\n")}
	r, err := s.importList(t.Context(), v, "", func(o *jobs.ImportOptions) { o.List = list })
	if err == nil || !strings.Contains(err.Error(), "changed while it was read") || r.Done {
		t.Errorf("%+v, %v", r, err)
	}
}
