package rehearsal

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// insideName is argv[0] of the process that runs as the instance.
const insideName = "beanpole-instance"

// Inside turns this process into the instance if [Run] has started it as that, and then does not return. A program that
// calls [Run] calls Inside before anything else, from an init function or from TestMain.
func Inside() {
	if os.Args[0] != insideName {
		return
	}
	events := json.NewEncoder(os.NewFile(3, "events"))
	emit := func(e event) { _ = events.Encode(e) }
	input := json.NewDecoder(os.Stdin)
	var j job
	if err := input.Decode(&j); err != nil {
		emit(event{Error: err.Error()})
		os.Exit(2)
	}
	go func() { // ends with whoever started it, and tidies up after it if it was killed
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = syscall.Kill(-1, syscall.SIGKILL) // all of the namespace but this process
		_ = os.RemoveAll(j.Root)
		os.Exit(2)
	}()
	_, err := j.perform(context.Background(), emit)
	var unavailable unavailableError
	switch {
	case errors.As(err, &unavailable):
		emit(event{Unavailable: err.Error()})
	case err != nil:
		emit(event{Error: err.Error()})
	}
	os.Exit(0)
}

// performInNamespace runs the job in a process with a user, network and process namespace of its own: no traffic leaves
// it, every address is its own, and nothing outlives it.
func (j job) performInNamespace(ctx context.Context, emit func(event)) (outcome, error) {
	input, err := json.Marshal(j)
	if err != nil {
		return outcome{}, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return outcome{}, err
	}
	defer read.Close()
	var stderr bytes.Buffer
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{insideName}
	cmd.ExtraFiles = []*os.File{write}
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		write.Close()
		return outcome{}, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Setpgid:     true, // an interrupt at the terminal is for the one that waits
	}
	err = cmd.Start()
	write.Close()
	if err != nil {
		return outcome{}, unavailableError{err}
	}
	defer func() {
		_ = cmd.Process.Kill() // returns from Wait only when every process of the namespace has ended
		_ = cmd.Wait()
	}()
	interrupted := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer interrupted()
	if _, err := stdin.Write(input); err != nil {
		return outcome{}, fmt.Errorf("instance: %w", err)
	}
	events := json.NewDecoder(read)
	for {
		var e event
		if err := events.Decode(&e); err != nil {
			if ctx.Err() != nil {
				return outcome{}, ctx.Err()
			}
			_ = cmd.Wait()
			return outcome{}, fmt.Errorf("the instance ended without a result: %w\n%s", err, tail(stderr.String(), 10))
		}
		switch {
		case e.Outcome != nil:
			return *e.Outcome, nil
		case e.Unavailable != "":
			return outcome{}, unavailableError{errors.New(e.Unavailable)}
		case e.Error != "":
			return outcome{}, errors.New(e.Error)
		}
		emit(e)
	}
}

// processGroup gives a process a group of its own, and ends it with the thread that starts it.
func processGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// raiseNetwork turns the empty network of a new namespace into an instance's: loopback, the instance's address as the
// source of the default route, and the metadata service's address. Every other address is local too, so that whoever asks
// for one is refused at once instead of waiting for an answer.
func raiseNetwork(instance string, dropMetadata bool) error {
	address, err := netip.ParseAddr(instance)
	if err != nil || !address.Is4() {
		return fmt.Errorf("instance address %q: want an IPv4 address", instance)
	}
	metadata := netip.MustParseAddr(metadataAddress)
	const loopback = 1 // its index in every namespace
	type request struct {
		kind, flags uint16
		payload     []byte
	}
	requests := []request{
		{syscall.RTM_NEWLINK, 0, link(loopback, syscall.IFF_UP)},
		{syscall.RTM_NEWADDR, syscall.NLM_F_CREATE, ifaddr(loopback, address)},
		{syscall.RTM_NEWROUTE, syscall.NLM_F_CREATE, route(loopback, syscall.RTN_LOCAL, syscall.RT_SCOPE_HOST, netip.Prefix{}, address)},
	}
	if !dropMetadata {
		requests = append(requests, request{syscall.RTM_NEWADDR, syscall.NLM_F_CREATE, ifaddr(loopback, metadata)})
	} else {
		// A route to a neighbour that is not there: loopback hands the packets back, and nobody is their recipient.
		requests = append(requests, request{syscall.RTM_NEWROUTE, syscall.NLM_F_CREATE,
			route(loopback, syscall.RTN_UNICAST, syscall.RT_SCOPE_LINK, netip.PrefixFrom(metadata, 32), address)})
	}
	socket, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("network of the namespace: %w", err)
	}
	defer syscall.Close(socket)
	for i, r := range requests {
		if err := netlink(socket, uint32(i+1), r.kind, r.flags, r.payload); err != nil {
			return fmt.Errorf("network of the namespace: %w", err)
		}
	}
	return nil
}

// netlink sends one request and reads its acknowledgement.
func netlink(socket int, sequence uint32, kind, flags uint16, payload []byte) error {
	message := make([]byte, syscall.NLMSG_HDRLEN, syscall.NLMSG_HDRLEN+len(payload))
	binary.NativeEndian.PutUint32(message, uint32(syscall.NLMSG_HDRLEN+len(payload)))
	binary.NativeEndian.PutUint16(message[4:], kind)
	binary.NativeEndian.PutUint16(message[6:], syscall.NLM_F_REQUEST|syscall.NLM_F_ACK|flags)
	binary.NativeEndian.PutUint32(message[8:], sequence)
	if err := syscall.Sendto(socket, append(message, payload...), 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return err
	}
	reply := make([]byte, 8<<10)
	n, _, err := syscall.Recvfrom(socket, reply, 0)
	if err != nil {
		return err
	}
	messages, err := syscall.ParseNetlinkMessage(reply[:n])
	if err != nil {
		return err
	}
	for _, m := range messages {
		if m.Header.Type == syscall.NLMSG_ERROR && len(m.Data) >= 4 {
			if code := int32(binary.NativeEndian.Uint32(m.Data)); code != 0 {
				return syscall.Errno(-code)
			}
		}
	}
	return nil
}

func link(index int32, flags uint32) []byte {
	b := make([]byte, syscall.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	binary.NativeEndian.PutUint32(b[8:], flags)
	binary.NativeEndian.PutUint32(b[12:], flags) // the flags that change
	return b
}

func ifaddr(index uint32, address netip.Addr) []byte {
	b := []byte{syscall.AF_INET, 32, 0, syscall.RT_SCOPE_UNIVERSE, 0, 0, 0, 0}
	binary.NativeEndian.PutUint32(b[4:], index)
	ip := address.As4()
	return append(append(b, attribute(syscall.IFA_LOCAL, ip[:])...), attribute(syscall.IFA_ADDRESS, ip[:])...)
}

// route leads to a destination (the zero prefix: everywhere) with a source address.
func route(index uint32, kind, scope byte, to netip.Prefix, source netip.Addr) []byte {
	bits := byte(0)
	if to.IsValid() {
		bits = byte(to.Bits())
	}
	b := []byte{syscall.AF_INET, bits, 0, 0, syscall.RT_TABLE_MAIN, syscall.RTPROT_BOOT, scope, kind, 0, 0, 0, 0}
	if to.IsValid() {
		ip := to.Addr().As4()
		b = append(b, attribute(syscall.RTA_DST, ip[:])...)
	}
	ip := source.As4()
	b = append(b, attribute(syscall.RTA_PREFSRC, ip[:])...)
	return append(b, attribute(syscall.RTA_OIF, binary.NativeEndian.AppendUint32(nil, index))...)
}

func attribute(kind uint16, value []byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(syscall.SizeofRtAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	return append(b, value...) // all values here are four bytes long: no padding
}

// listeners returns the TCP ports that are open in this network namespace.
func listeners() (ports []int, ok bool) {
	const listen = "0A"
	for _, file := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // no IPv6 on this machine
		}
		ok = true
		for line := range strings.Lines(string(content)) {
			fields := strings.Fields(line)
			if len(fields) < 4 || fields[3] != listen {
				continue
			}
			_, hex, _ := strings.Cut(fields[1], ":")
			if port, err := strconv.ParseUint(hex, 16, 16); err == nil {
				ports = append(ports, int(port))
			}
		}
	}
	return ports, ok
}
