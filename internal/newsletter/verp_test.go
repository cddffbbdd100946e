package newsletter_test

import (
	"strings"
	"testing"

	"syndicate/internal/newsletter"
)

func TestReturnAddress(t *testing.T) {
	t.Parallel()
	k := keyring(t, 1)
	other, err := newsletter.NewKeyring(map[byte][]byte{1: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	const ours = "bounces@example.org"
	for _, want := range []newsletter.Returned{{Subscriber: 1, Issue: 1}, {Subscriber: 1 << 34, Issue: 1 << 27}, {Subscriber: 7, Chunk: 9}, {Subscriber: 200, Issue: 1}, {Subscriber: 200, Issue: 300}} {
		a := k.ReturnAddress(ours, want)
		if local, _, _ := strings.Cut(a, "@"); len(local)-len("bounces") > 64-newsletter.MaxReturnLocal {
			t.Errorf("%s: a local part of %d octets", a, len(local))
		}
		for _, form := range []string{a, strings.ToUpper(a)} {
			if got, ok := k.ParseReturnAddress(ours, form); !ok || got != want {
				t.Errorf("%s: %+v, %v; want %+v", form, got, ok, want)
			}
		}
		if _, ok := other.ParseReturnAddress(ours, a); ok {
			t.Errorf("%s: another site takes it for its own", a)
		}
		if _, ok := k.ParseReturnAddress("leave@example.org", strings.Replace(a, "bounces", "leave", 1)); ok {
			t.Errorf("%s: a key is good for another address", a)
		}
		at := strings.IndexByte(a, '@')
		for _, b := range append(changed(a, at-1, "abcdefghijklmnopqrstuvwxyz234567"), a[:at]+"\n"+a[at:]) {
			if _, ok := k.ParseReturnAddress(ours, b); ok {
				t.Errorf("%q: taken", b)
			}
		}
		for i := range a {
			b := []byte(a)
			if b[i] ^= 1; strings.EqualFold(string(b), a) {
				continue
			}
			if _, ok := k.ParseReturnAddress(ours, string(b)); ok {
				t.Errorf("%s: taken, with octet %d changed", b, i)
			}
			if _, ok := k.ParseReturnAddress(ours, a[:i]); ok {
				t.Errorf("%s: taken, cut", a[:i])
			}
		}
	}
	for _, a := range []string{"", "@", ours, "bounces+@example.org", "bounces+aaaa@example.org", "bounces+" + strings.Repeat("a", 500) + "@example.org"} {
		if _, ok := k.ParseReturnAddress(ours, a); ok {
			t.Errorf("%s: taken", a)
		}
	}
}

// FuzzReturnAddress: what is taken for an address of ours is one, and is read as it was
// written.
func FuzzReturnAddress(f *testing.F) {
	k := keyring(f, 1)
	const ours = "bounces@example.org"
	for _, r := range []newsletter.Returned{{Subscriber: 1, Issue: 1}, {Subscriber: 7, Chunk: 9}, {Subscriber: 1 << 34, Issue: 1 << 27}} {
		f.Add(k.ReturnAddress(ours, r))
	}
	f.Add(`"bounces+x"@example.org`)
	f.Add("bounces+aaaa%example.net@example.org")
	f.Fuzz(func(t *testing.T, address string) {
		r, ok := k.ParseReturnAddress(ours, address)
		if !ok {
			return
		}
		local, domain, _ := strings.Cut(strings.ToLower(address), "@")
		if again, ok := k.ParseReturnAddress(ours, k.ReturnAddress(ours, r)); !ok || again != r || !strings.HasPrefix(local, "bounces+") || domain != "example.org" {
			t.Fatalf("%q is taken for %+v", address, r)
		}
	})
}
