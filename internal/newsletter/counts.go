package newsletter

import (
	"strings"
	"time"
)

// Counts says what is counted of a newsletter's issues, of all readers together.
type Counts struct {
	Clicks bool `json:"clicks,omitempty"` // how often the links to articles are followed
	Opens  bool `json:"opens,omitempty"`  // how often the mail is opened, by a small image
}

// What names what is counted: "clicks", "opens" or "both"; empty: nothing is.
func (c Counts) What() string {
	switch {
	case c.Clicks && c.Opens:
		return "both"
	case c.Clicks:
		return "clicks"
	case c.Opens:
		return "opens"
	}
	return ""
}

// Of reports whether a link of that number is counted.
func (c Counts) Of(link int64) bool {
	if link == OpensImage {
		return c.Opens
	}
	return c.Clicks
}

// OpensImage is the number of the link that is no link: of the image that tells of
// opens. The others have the seq of their article.
const OpensImage = 0

// Count says how often a link of an issue was followed, or its image fetched.
type Count struct {
	Issue int64
	Link  int64 // the seq of its article, or OpensImage
	By    Visitor
	N     int64
}

// Visitor says who seems to have followed a link or fetched an image. Nobody can
// tell for sure: a program that says it is a browser is taken for one.
type Visitor string

// The visitors. All but the first are machines.
const (
	VisitorPerson  Visitor = "person"
	VisitorScanner Visitor = "scanner" // a program by what it says: scanners, crawlers, previews, prefetching
	VisitorAtOnce  Visitor = "at once" // so soon after the issue went out that it is a mail scanner rather than a reader
	VisitorApple   Visitor = "apple"   // the image proxy of Apple Mail, which fetches whether or not the mail is opened
	VisitorGmail   Visitor = "gmail"   // the image proxy of Gmail, which fetches once and keeps what it got for a while
	VisitorYahoo   Visitor = "yahoo"   // the image proxy of Yahoo Mail
)

// Machine reports whether a visitor is none of the readers.
func (v Visitor) Machine() bool { return v != VisitorPerson }

// AtOnce is how long after an issue began to be sent whoever comes is taken for a
// scanner: those of receivers open every link before the mail is shown.
const AtOnce = time.Minute

// Visit is a request for a link or an image.
type Visit struct {
	Agent string // User-Agent
	Ahead bool   // it says of itself that nobody asked for it yet (Sec-Purpose: prefetch)
	Image bool   // it is for the image
}

// maxAgent is how much of a User-Agent is looked at, in bytes.
const maxAgent = 500

// VisitorOf judges a visit that came so long after its issue began to be sent.
func VisitorOf(v Visit, after time.Duration) Visitor {
	agent := strings.ToLower(v.Agent[:min(len(v.Agent), maxAgent)])
	switch {
	case strings.Contains(agent, "googleimageproxy"):
		return VisitorGmail
	case strings.Contains(agent, "yahoomailproxy"):
		return VisitorYahoo
	case v.Image && agent == "mozilla/5.0": // all that Apple's proxy says
		return VisitorApple
	case v.Ahead, !strings.Contains(agent, " "), isProgram(agent): // every browser says more than a word
		return VisitorScanner
	case after < AtOnce:
		return VisitorAtOnce
	}
	return VisitorPerson
}

// programs are parts of what programs call themselves that no browser of people
// and no mail program has in its name.
var programs = []string{
	"bot", "crawl", "spider", "scan", "preview", "prefetch", "headless", "phantom", "selenium", "playwright", "puppeteer", "monitor", "validator",
	"curl", "wget", "libwww", "python", "java/", "go-http-client", "okhttp", "httpclient", "http-client", "http.rb", "node-fetch", "axios", "undici", "ruby", "perl", "php/", "guzzle",
	"facebookexternalhit", "slack-", "whatsapp", "skypeuripreview", "google-safety", "google-read-aloud", "mediapartners", "bingpreview", "yahoo! slurp",
	"barracuda", "proofpoint", "mimecast", "symantec", "messagelabs", "trendmicro", "trend micro", "fireeye", "forcepoint", "sophos", "fortinet", "fortiguard", "cloudmark", "safelinks", "safebrowsing", "urlscan", "virustotal", "netcraft", "zscaler", "checkpoint", "mailscanner", "spamassassin",
}

func isProgram(agent string) bool {
	agent = strings.ReplaceAll(agent, "cubot", "") // a make of telephones
	for _, p := range programs {
		if strings.Contains(agent, p) {
			return true
		}
	}
	return false
}
