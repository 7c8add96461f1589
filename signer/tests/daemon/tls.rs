//! TLS: certificates on both sides, which are replaced without a stop.

use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use signer::auth::SharedSecret;
use signer::client::{ClientTls, Connection, RemoteError, RemoteSigner};

use crate::harness::{Home, Running};

/// An authority, and the certificates and keys that it signs.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

const LISTEN: &str = r#"
[[client]]
name = "fpd"
certificate_file = "fpd.pem"
operations = ["status"]
[listen]
grpc = "127.0.0.1:0"
metrics = "off"
[listen.tls]
certificate = "server.pem"
secret_key = "server.key"
client_authorities = "clients.pem"
"#;

fn connect(running: &Running, tls: ClientTls) -> Result<RemoteSigner, RemoteError> {
    let url = format!("https://localhost:{}", running.daemon.grpc_address().port());
    RemoteSigner::connect(Connection { url, tls: Some(tls), auth: None })
}

/// A client that has a secret alone, beside one with a certificate.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_alone_is_enough_beside_certificates() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let home = Home::new();
    let (certificate, key) = servers.sign("localhost");
    home.write("server.pem", certificate);
    home.write("server.key", key);
    home.write("clients.pem", clients.pem());
    home.write("fpd.pem", clients.sign("fpd").0);
    home.write("operator.secret", "0123456789abcdef0123456789abcdef\n");
    let operator = "[[client]]\nname = \"operator\"\nauth_secret_file = \"operator.secret\"\noperations = [\"status\"]\n";
    let running = home.start(&format!("{operator}{LISTEN}")).await;
    let url = format!("https://localhost:{}", running.daemon.grpc_address().port());
    let ask = |secret: Option<&[u8]>| {
        let tls = Some(ClientTls { authorities: servers.pem().into_bytes(), identity: None });
        let auth = secret.and_then(|secret| SharedSecret::lines(secret).next());
        let connection = Connection { url: url.clone(), tls, auth };
        tokio::task::block_in_place(|| RemoteSigner::connect(connection)?.status().map(|keys| keys.len()))
    };
    assert_eq!(ask(Some(b"0123456789abcdef0123456789abcdef")).unwrap(), 2);
    for wrong in [None, Some(b"another secret of this length ok".as_slice())] {
        assert!(matches!(ask(wrong), Err(RemoteError::Unauthenticated { .. })), "{wrong:?}");
    }
}

/// Connects, and asks: a client finds out only then that its certificate is refused.
async fn ask(running: &Running, tls: ClientTls) -> Result<usize, RemoteError> {
    tokio::task::block_in_place(|| connect(running, tls)?.status().map(|keys| keys.len()))
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_say_who_asks() {
    let (servers, clients, strangers) = (Authority::new(), Authority::new(), Authority::new());
    let home = Home::new();
    let (certificate, key) = servers.sign("localhost");
    home.write("server.pem", certificate);
    home.write("server.key", key);
    home.write("clients.pem", clients.pem());
    let (fpd, fpd_key) = clients.sign("fpd");
    home.write("fpd.pem", &fpd);
    let running = home.start(LISTEN).await;
    let tls = |authority: &Authority, identity: Option<(&str, &str)>| ClientTls {
        authorities: authority.pem().into_bytes(),
        identity: identity.map(|(certificate, key)| {
            (certificate.as_bytes().to_vec(), zeroize::Zeroizing::new(key.as_bytes().to_vec()))
        }),
    };
    assert_eq!(ask(&running, tls(&servers, Some((&fpd, &fpd_key)))).await.unwrap(), 2);
    // No certificate, one of another authority, and one that is no client's.
    assert!(ask(&running, tls(&servers, None)).await.is_err());
    let (stranger, stranger_key) = strangers.sign("fpd");
    assert!(ask(&running, tls(&servers, Some((&stranger, &stranger_key)))).await.is_err());
    let (other, other_key) = clients.sign("fpd");
    let refused = ask(&running, tls(&servers, Some((&other, &other_key)))).await.unwrap_err();
    assert!(matches!(refused, RemoteError::Unauthenticated { .. }), "{refused}");
    // A signer that somebody else's authority vouches for is not talked to.
    let refused = ask(&running, tls(&strangers, Some((&fpd, &fpd_key)))).await.unwrap_err();
    assert!(matches!(refused, RemoteError::Connect { .. }), "{refused}");
    // Plaintext is no answer either.
    let plain = Connection { url: running.url(), tls: None, auth: None };
    let asked =
        tokio::task::block_in_place(|| RemoteSigner::connect(plain).and_then(|remote| remote.status()));
    assert!(asked.is_err());

    // Both sides get new certificates while it runs.
    let (certificate, key) = strangers.sign("localhost");
    running.home.write("server.pem", certificate);
    running.home.write("server.key", key);
    running.home.write("fpd.pem", [fpd.as_str(), &other].concat());
    let mut replaced = false;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        if ask(&running, tls(&strangers, Some((&other, &other_key)))).await.is_ok() {
            replaced = true;
            break;
        }
    }
    assert!(replaced, "new certificates are used within seconds");
    ask(&running, tls(&strangers, Some((&fpd, &fpd_key)))).await.unwrap();
}
