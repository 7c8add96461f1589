package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
)

// step is one call on a connection of its own, and what must come back.
type step struct {
	name    string
	method  string
	message []byte
	macs    []string // the values of the HMAC header, in order
	want    want
	// Whether the bytes are kept out of the recording: they are many, or the answer depends on more than
	// the server's keys and rules.
	unrecorded bool
	// Whether the call is made without the client's certificate.
	anonymous bool
	// So many calls are made until one has the wanted answer; 0 is one call.
	attempts int
}

// want is what must come back.
type want struct {
	// The codes that are right; more than one where a rule leaves it open.
	codes []codes.Code
	// The whole text of an error, and a part of it, where they are not empty.
	message, contains string
	// The message of an answer, where hasResponse is set.
	response    []byte
	hasResponse bool
	// A BIP-340 signature over a digest under a key, which the answer must hold.
	schnorr *schnorrWant
	// A check of an answer beside its bytes.
	check func(response []byte) (detail string, err error)
	// The most time that the call may take, where it is not 0.
	within time.Duration
}

type schnorrWant struct{ key, digest []byte }

func fails(right ...codes.Code) want { return want{codes: right} }

func failsWith(contains string, right ...codes.Code) want {
	return want{codes: right, contains: contains}
}

func failsExactly(code codes.Code, message string) want {
	return want{codes: []codes.Code{code}, message: message}
}

// answers wants OK with exactly these bytes.
func answers(response []byte) want {
	return want{codes: []codes.Code{codes.OK}, response: response, hasResponse: true}
}

// or allows another code too.
func (w want) or(code codes.Code) want {
	w.codes = append(slices.Clone(w.codes), code)
	return w
}

// judge says what is wrong with an answer, and what was found out about it.
func (w want) judge(a answer) (string, error) {
	code, message := a.status.Code(), a.status.Message()
	if code != codes.FailedPrecondition && strings.Contains(message, "FailedPrecondition") {
		return "", fmt.Errorf("the text of another error has the word that providers search for")
	}
	if !slices.Contains(w.codes, code) {
		return "", fmt.Errorf("must be %v", w.codes)
	}
	if w.within > 0 && a.elapsed > w.within {
		return "", fmt.Errorf("took %v; must take at most %v", a.elapsed, w.within)
	}
	if code != codes.OK {
		if w.message != "" && message != w.message {
			return "", fmt.Errorf("the text must be %q", w.message)
		}
		if !strings.Contains(message, w.contains) {
			return "", fmt.Errorf("the text must have %q in it", w.contains)
		}
		return "", nil
	}
	detail := ""
	if w.check != nil {
		var err error
		if detail, err = w.check(a.body); err != nil {
			return "", err
		}
	}
	if w.schnorr != nil {
		signature, err := oneBytes(a.body)
		if err != nil {
			return "", err
		}
		if err := verifySchnorr(w.schnorr.key, w.schnorr.digest, signature); err != nil {
			return "", err
		}
		detail = "BIP-340 signature verified"
	}
	if w.hasResponse && !bytes.Equal(a.body, w.response) {
		return "", fmt.Errorf("the answer is %s; must be %s", brief(a.body), brief(w.response))
	}
	return detail, nil
}

// brief shows bytes, or how many they are.
func brief(b []byte) string {
	if len(b) > 200 {
		return fmt.Sprintf("%d bytes with SHA-256 %x", len(b), hash(b))
	}
	return fmt.Sprintf("%x", b)
}

// suite collects the steps for a plan.
type suite struct {
	plan    *plan
	steps   []step
	skipped []string
}

// add adds a call with the HMAC that the plan asks for.
func (s *suite) add(name, method string, message []byte, w want) *step {
	var macs []string
	if s.plan.HMACKey != "" && method != "Ping" && method != "SaveEOTSKeyName" {
		macs = []string{macOf(s.plan.HMACKey, message)}
	}
	return s.addWith(name, method, message, macs, w)
}

// addWith adds a call with these values of the HMAC header.
func (s *suite) addWith(name, method string, message []byte, macs []string, w want) *step {
	s.steps = append(s.steps, step{name: name, method: method, message: message, macs: macs, want: w})
	return &s.steps[len(s.steps)-1]
}

// only drops the cases whose names do not begin so.
func (s *suite) only(prefix string) {
	s.steps = slices.DeleteFunc(s.steps, func(one step) bool { return !strings.HasPrefix(one.name, prefix) })
}

func (s *suite) skip(what, why string) { s.skipped = append(s.skipped, what+": "+why) }

// verdict is the line that is printed for a step.
type verdict struct {
	Case    string `json:"case"`
	OK      bool   `json:"ok"`
	Code    string `json:"code"`
	Message string `json:"message,omitempty"`
	Detail  string `json:"detail,omitempty"`
}

// run makes all calls in order, prints a line for each, and returns how many were wrong.
func (s *suite) run(t *target, out io.Writer, record *recording) (int, error) {
	wrong := 0
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	for _, one := range s.steps {
		var got answer
		var detail string
		var failure error
		for range max(one.attempts, 1) {
			var err error
			if got, err = t.call(one); err != nil {
				return wrong, fmt.Errorf("%s: %w", one.name, err)
			}
			if detail, failure = one.want.judge(got); failure == nil {
				break
			}
		}
		if failure == nil && record != nil {
			failure = record.add(one, got)
		}
		line := verdict{one.name, failure == nil, got.status.Code().String(), got.status.Message(), detail}
		if failure != nil {
			wrong++
			line.Detail = failure.Error()
		}
		if err := lines.Encode(line); err != nil {
			return wrong, err
		}
	}
	return wrong, nil
}
