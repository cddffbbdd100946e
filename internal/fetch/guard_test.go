package fetch_test

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"syndicate/internal/fetch"
)

func TestPrivateAddressesAreRefused(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 100)
	s := serve(t, func(http.ResponseWriter, *http.Request) { asked <- struct{}{} })
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	hosts := []string{
		"127.0.0.1", "127.1.2.3", "localhost", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
		"100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16", "224.0.0.1", "255.255.255.255", "[::ffff:127.0.0.1]",
		"[::1]", "[::]", "[fe80::1]", "[fd00:ec2::254]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]",
		"[2001:0:7f00:1::]", "[::127.0.0.1]", "[ff02::1]", "[2001:db8::1]",
	}
	c := fetch.New(fetch.Options{Private: []string{"intranet.example"}})
	for _, host := range hosts {
		if strings.HasPrefix(host, "[") && !strings.Contains(host, "ffff") && !hasIPv6() {
			t.Logf("%s: this machine has no IPv6", host)
			continue
		}
		_, err := c.Get(t.Context(), "http://"+net.JoinHostPort(strings.Trim(host, "[]"), port), fetch.Validators{})
		if !errors.Is(err, fetch.ErrPrivate) {
			t.Errorf("%s: got %v", host, err)
		}
	}
	if len(asked) > 0 {
		t.Error("a private server was asked")
	}
}

func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// Who may ask one private host may not be led to another, nor to the same one by
// another name.
func TestRedirectToPrivateAddress(t *testing.T) {
	t.Parallel()
	var s string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, strings.Replace(s, "127.0.0.1", "localhost", 1)+"/inner", http.StatusFound)
			return
		}
		t.Error("the inner page was asked for")
	})
	s = server.URL
	if _, err := local(fetch.Options{}).Get(t.Context(), s, fetch.Validators{}); !errors.Is(err, fetch.ErrPrivate) {
		t.Fatalf("got %v", err)
	}
}

func TestAllowedHostByAnotherSpelling(t *testing.T) {
	t.Parallel()
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	address := strings.Replace(s.URL, "127.0.0.1", "LocalHost", 1)
	if _, err := fetch.New(fetch.Options{Private: []string{"localhost."}}).Get(t.Context(), address, fetch.Validators{}); err != nil {
		t.Fatal(err)
	}
}

func TestLowPorts(t *testing.T) {
	t.Parallel()
	if _, err := fetch.New(fetch.Options{}).Get(t.Context(), "http://198.41.0.4:25/", fetch.Validators{}); !errors.Is(err, fetch.ErrAddress) {
		t.Fatalf("got %v", err)
	}
}
