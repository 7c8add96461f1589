package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// Answers longer than this are recorded by their hash.
const mostRecorded = 4096

// recording writes the bytes of each connection, and what must come back.
type recording struct{ lines *json.Encoder }

// recordingHead is the first line.
type recordingHead struct {
	Recording int    `json:"recording"`
	Client    string `json:"client"`
	Plan      *plan  `json:"plan"`
}

// recordedStep is every other line.
type recordedStep struct {
	Case   string `json:"case"`
	Method string `json:"method"`
	// Base64, as encoding/json writes bytes: all that the client wrote up to the end of its request.
	Client []byte `json:"client"`
	// The values of grpc-status that are right.
	Status []codes.Code `json:"status"`
	// grpc-message, decoded: the whole of it, and a part of it.
	Message  string `json:"message,omitempty"`
	Contains string `json:"contains,omitempty"`
	// The message of an answer without its five bytes of prefix: as hex, or by length and SHA-256.
	Response *recordedResponse `json:"response,omitempty"`
	// What a BIP-340 signature in field 1 of the answer is verified with.
	Schnorr *recordedSchnorr `json:"schnorr,omitempty"`
}

type recordedResponse struct {
	Hex    *string `json:"hex,omitempty"`
	Length int     `json:"length"`
	SHA256 string  `json:"sha256,omitempty"`
}

type recordedSchnorr struct {
	PublicKey string `json:"public_key"`
	Digest    string `json:"digest"`
}

func newRecording(out io.Writer, p *plan) (*recording, error) {
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	kept := *p
	kept.BackupDir = ""
	kept.RateLimitCalls = 0
	return &recording{lines}, lines.Encode(recordingHead{1, "grpc-go " + grpc.Version, &kept})
}

// add writes the line of a step whose answer was right.
func (r *recording) add(one step, got answer) error {
	if one.unrecorded {
		return nil
	}
	client, err := request(got.written)
	if err != nil {
		return fmt.Errorf("cannot be recorded: %w", err)
	}
	line := recordedStep{
		Case: one.name, Method: one.method, Client: client, Status: one.want.codes,
		Message: one.want.message, Contains: one.want.contains,
	}
	if one.want.hasResponse {
		line.Response = &recordedResponse{Length: len(one.want.response)}
		if len(one.want.response) > mostRecorded {
			line.Response.SHA256 = hex.EncodeToString(hash(one.want.response))
		} else {
			text := hex.EncodeToString(one.want.response)
			line.Response.Hex = &text
		}
	}
	if s := one.want.schnorr; s != nil {
		line.Schnorr = &recordedSchnorr{hex.EncodeToString(s.key), hex.EncodeToString(s.digest)}
	}
	return r.lines.Encode(line)
}

// request returns the bytes of a connection up to the end of its one request. It demands that they are what
// any server would have been sent: what the client writes on its own, the acknowledgement of the server's
// settings, and the request; no answers to the server's pings or data.
func request(written []byte) ([]byte, error) {
	reader := bytes.NewReader(written)
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(reader, preface); err != nil || string(preface) != http2.ClientPreface {
		return nil, errors.New("the connection does not begin as HTTP/2 does, or there was more than one")
	}
	framer := http2.NewFramer(io.Discard, reader)
	acknowledged, settled := 0, 0
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return nil, fmt.Errorf("the request has no end: %w", err)
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if f.IsAck() {
				acknowledged++
			} else {
				settled++
			}
		case *http2.WindowUpdateFrame:
			if f.StreamID != 0 {
				return nil, errors.New("found a window of the stream")
			}
		case *http2.HeadersFrame:
			if f.StreamID != 1 || acknowledged != 1 || settled != 1 {
				return nil, errors.New("the request is not the first after the settings")
			}
		case *http2.DataFrame:
			if f.StreamEnded() {
				return written[:len(written)-reader.Len()], nil
			}
		default:
			return nil, fmt.Errorf("found a frame of type %v", frame.Header().Type)
		}
	}
}
