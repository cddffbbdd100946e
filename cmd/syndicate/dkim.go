package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/net/idna"

	"syndicate/internal/config"
	"syndicate/internal/mailer"
)

// keysDir is where keys are made, in the site folder. Git ignores it.
const keysDir = "keys"

// dkimCommand looks after the keys that mail is signed with.
func dkimCommand(a *app) *cobra.Command {
	c := group("dkim", "Keys that sign mail: keygen, show", dkimKeygen(a), dkimShow(a))
	c.Long = `Mail that is signed by a key of the sender's domain (DKIM) is known to be the
sender's. The private half of a key stays in a file here; the public half goes
into the DNS. syndicate check says whether the two fit.`
	return c
}

func dkimKeygen(a *app) *cobra.Command {
	var selector, kind string
	c := &cobra.Command{
		Use:   "keygen DOMAIN",
		Short: "Make keys for a domain, and say what DNS and config.yaml need",
		Long: `Keygen makes private keys in the folder keys/ of the site, and prints the DNS records
with their public halves and the lines for config.yaml. It never overwrites a key.

An RSA key is known to every receiver. An Ed25519 key beside it is shorter and
stronger; receivers that do not know it go by the other.`,
		Example: `    syndicate dkim keygen example.org
    syndicate dkim keygen example.org --selector s2 --type rsa`,
		Args: arguments(1, 1, "a DOMAIN"),
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			return a.keygen(cfg, args[0], selector, kind)
		},
	}
	c.Flags().StringVar(&selector, "selector", "", "call the keys `NAME`, in the DNS too (default the month, such as s202609)")
	c.Flags().StringVar(&kind, "type", "both", "`KIND` of key: rsa, ed25519 or both")
	oneOf(c, "type", "rsa", "ed25519", "both")
	return c
}

func dkimShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "Say what the DNS has to have for the keys in config.yaml and in keys/",
		Args:  arguments(0, 0),
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			views := []keyView{}
			for i, k := range cfg.DKIM {
				key, err := readKey(cfg, i)
				if err != nil {
					return err
				}
				v := viewKey(key, k.KeyFile)
				v.Configured = true
				views = append(views, v)
			}
			spare := spareKeys(cfg)
			if a.json {
				return a.printJSON(append(views, spare...))
			}
			switch {
			case len(views)+len(spare) == 0:
				a.printf("There is no key in config.yaml. To make some: syndicate dkim keygen DOMAIN\n")
			case len(views) == 0:
				a.printf("There is no key in config.yaml, so nothing is signed; but there are keys in %s/.\n", keysDir)
			default:
				a.records(views)
			}
			if len(spare) > 0 {
				a.printf("\nNot in config.yaml, which would need:\n\n")
				a.configLines(cfg, spare)
				a.printf("\nThe DNS would need:\n\n")
				a.records(spare)
			}
			return nil
		},
	}
}

// spareKeys are the keys that keygen made and config.yaml does not have. What is no
// key is passed over: nobody asked for it.
func spareKeys(cfg *config.Config) []keyView {
	files, err := filepath.Glob(filepath.Join(cfg.Path(keysDir), "*.pem"))
	if err != nil {
		return nil // a pattern that is no pattern
	}
	var spare []keyView
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".pem")
		dot := strings.LastIndexByte(name, '.') // domain.selector; a selector of keygen's has no dot
		if dot < 0 || slices.ContainsFunc(cfg.DKIM, func(k config.DKIM) bool { return cfg.Path(k.KeyFile) == file }) {
			continue
		}
		if key, err := mailer.ReadKey(name[:dot], name[dot+1:], file); err == nil {
			spare = append(spare, viewKey(key, keysDir+"/"+filepath.Base(file)))
		}
	}
	return spare
}

// keyView is a key as it is told of: never its private half.
type keyView struct {
	Domain   string   `json:"domain"`
	Selector string   `json:"selector"`
	Kind     string   `json:"kind"`
	KeyFile  string   `json:"key_file"`
	Name     string   `json:"name"`    // of the TXT record
	Value    string   `json:"value"`   // of the TXT record
	Strings  []string `json:"strings"` // the value in pieces that fit into the DNS
	Zone     string   `json:"zone"`    // the same as a line of a zone file

	Configured bool `json:"configured"` // it is in config.yaml
}

func viewKey(k *mailer.Key, file string) keyView {
	v := keyView{
		Domain: k.Domain, Selector: k.Selector, Kind: k.Kind(), KeyFile: file,
		Name: k.RecordName(), Value: k.Record(),
	}
	const longest = 255 // octets of a string in a TXT record, RFC 1035 3.3.14
	for rest := v.Value; rest != ""; {
		n := min(longest, len(rest))
		v.Strings = append(v.Strings, rest[:n])
		rest = rest[n:]
	}
	v.Zone = v.Name + `. IN TXT ( "` + strings.Join(v.Strings, `" "`) + `" )`
	return v
}

// keygen makes the keys, all of them or none.
func (a *app) keygen(cfg *config.Config, domain, selector, kind string) error {
	domain, err := domainArgument(domain)
	if err != nil {
		return err
	}
	if selector == "" {
		selector = "s" + a.clock().UTC().Format("200601")
	}
	selectors := map[string]string{"rsa": selector, "ed25519": selector}
	kinds := []string{kind}
	switch kind {
	case "rsa", "ed25519":
	case "both":
		kinds = []string{"rsa", "ed25519"}
		for k := range selectors {
			selectors[k] += "-" + k
		}
	default:
		return usage("--type takes rsa, ed25519 or both", "unknown type of key %q", kind)
	}
	var views []keyView
	for _, k := range kinds {
		v, err := writeKey(cfg, k, domain, selectors[k])
		if err != nil {
			for _, made := range views {
				os.Remove(cfg.Path(made.KeyFile))
			}
			return err
		}
		views = append(views, v)
	}
	if a.json {
		return a.printJSON(views)
	}
	a.tellKeys(cfg, domain, views)
	return nil
}

func domainArgument(s string) (string, error) {
	const hint = "it is what stands behind the @ of the newsletter's sender, such as example.org"
	name, err := idna.Lookup.ToASCII(strings.TrimSuffix(s, "."))
	if err != nil || !strings.Contains(name, ".") || strings.ContainsAny(name, "@/ ") {
		return "", usage(hint, "%q is not a domain", s)
	}
	return name, nil
}

// writeKey makes one key and its file.
func writeKey(cfg *config.Config, kind, domain, selector string) (v keyView, err error) {
	if strings.Trim(selector, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" || strings.Trim(selector, "-") != selector || len(selector) > 63 {
		return v, usage("it takes letters, digits and hyphens, such as s1", "%q is no selector", selector)
	}
	for i, k := range cfg.DKIM {
		if k.Domain == domain && strings.EqualFold(k.Selector, selector) {
			return v, hinted(fmt.Errorf("%s: there is a key of %s with the selector %s already", cfg.Where(fmt.Sprintf("dkim[%d]", i)), domain, selector),
				"--selector names another; the old key stays until no mail is under way that it signed")
		}
	}
	var private any
	if kind == "rsa" {
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		_, private, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		return v, fmt.Errorf("making a key: %w", err)
	}
	key, err := mailer.NewKey(domain, selector, private)
	if err != nil {
		return v, err
	}
	octets, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return v, fmt.Errorf("making a key: %w", err)
	}
	file := keysDir + "/" + domain + "." + selector + ".pem"
	if err := writeSecret(cfg.Path(file), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: octets})); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return v, hinted(fmt.Errorf("%s exists already; it was not touched", file), "--selector gives the new key another name")
		}
		return v, fmt.Errorf("keeping the key: %w", err)
	}
	return viewKey(key, file), nil
}

// writeSecret writes a new file that only its owner reads. If its folder is new,
// too, git is told to leave it alone.
func writeSecret(path string, text []byte) error {
	dir := filepath.Dir(path)
	if err := os.Mkdir(dir, 0o700); err == nil {
		if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("*\n"), 0o600); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(path)
	}
	return err
}

// tellKeys says what to do with new keys.
func (a *app) tellKeys(cfg *config.Config, domain string, views []keyView) {
	a.printf("New for %s, for nobody else to see:\n\n", domain)
	for _, v := range views {
		a.printf("    %s  (%s)\n", v.KeyFile, v.Kind)
	}
	a.printf("\n1. For the DNS of %s:\n\n", domain)
	a.records(views)
	a.printf("\n2. For config.yaml:\n\n")
	a.configLines(cfg, views)
	a.printf("\n3. syndicate check says when the DNS has it all.\n")
	for _, n := range cfg.Newsletters {
		if _, from, _ := strings.Cut(n.From.Address, "@"); from == domain || strings.HasSuffix(from, "."+domain) {
			return
		}
	}
	a.notef("%s no newsletter is sent from %s: such a key signs nothing", a.style(a.err).yellow("warning:"), domain)
}

// configLines prints what config.yaml needs for keys that it does not have.
func (a *app) configLines(cfg *config.Config, views []keyView) {
	section := "dkim:" // a second one would be an error
	if len(cfg.DKIM) > 0 {
		section = "# under dkim:"
	}
	a.printf("%s\n", section)
	for _, v := range views {
		a.printf("  - {domain: %s, selector: %s, key_file: %s}\n", v.Domain, v.Selector, v.KeyFile)
	}
}

// records prints DNS records, for zone files and for forms on the web.
func (a *app) records(views []keyView) {
	for i, v := range views {
		if i > 0 {
			a.printf("\n")
		}
		a.printf("%s\n\n    type   TXT\n    name   %s\n    value  %s\n", v.Zone, v.Name, v.Value)
	}
}

// readKey reads one of the keys of the configuration.
func readKey(cfg *config.Config, i int) (*mailer.Key, error) {
	k := cfg.DKIM[i]
	key, err := mailer.ReadKey(k.Domain, k.Selector, cfg.Path(k.KeyFile))
	if err != nil {
		err = fmt.Errorf("%s: %w", cfg.Where(fmt.Sprintf("dkim[%d].key_file", i)), err)
		if errors.Is(err, fs.ErrNotExist) {
			err = hinted(err, "syndicate dkim keygen %s makes keys; or take the key out of config.yaml", k.Domain)
		}
		return nil, err
	}
	return key, nil
}

// signer has all keys of the configuration.
func signer(cfg *config.Config) (*mailer.Signer, error) {
	var keys []*mailer.Key
	for i := range cfg.DKIM {
		k, err := readKey(cfg, i)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return mailer.NewSigner(keys...), nil
}
