package rehearsal

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

var certificateDirective = regexp.MustCompile(`(?m)^([^#\n]*?\b)(ssl_certificate|ssl_certificate_key|ssl_trusted_certificate|ssl_client_certificate)(\s+)"?([^";\s]+)"?\s*;`)
var parametersDirective = regexp.MustCompile(`(?m)^([^#\n]*?\b)ssl_dhparam\s+"?([^";\s]+)"?\s*;`)

// standInCertificates replaces certificates and keys that are not in the bundle by made-up ones: a deployment lays them down
// by .ebextensions or a hook, and the load balancer looks at none. It returns the paths that it replaced.
func (p proxy) standInCertificates(conf string) (_ string, replaced []string, err error) {
	certificate, key := filepath.Join(p.dir(), "stand-in.crt"), filepath.Join(p.dir(), "stand-in.key")
	missing := func(file string) bool {
		if !filepath.IsAbs(file) {
			file = filepath.Join(p.dir(), file)
		}
		_, err := os.Stat(file)
		return errors.Is(err, os.ErrNotExist)
	}
	conf = certificateDirective.ReplaceAllStringFunc(conf, func(directive string) string {
		m := certificateDirective.FindStringSubmatch(directive)
		if !missing(m[4]) {
			return directive
		}
		replaced = append(replaced, m[4])
		with := certificate
		if m[2] == "ssl_certificate_key" {
			with = key
		}
		return m[1] + m[2] + m[3] + with + ";"
	})
	conf = parametersDirective.ReplaceAllStringFunc(conf, func(directive string) string {
		if m := parametersDirective.FindStringSubmatch(directive); missing(m[2]) {
			return m[1]
		}
		return directive
	})
	if replaced == nil || !missing(key) {
		return conf, replaced, nil
	}
	return conf, replaced, writeCertificate(certificate, key)
}

func writeCertificate(certificate, key string) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	like := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: Placeholder}, DNSNames: []string{Placeholder},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	public, err := x509.CreateCertificate(rand.Reader, like, like, &private.PublicKey, private)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public}), 0o644),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}
