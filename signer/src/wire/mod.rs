//! The messages and services on the wire, as `proto/` defines them.

/// The largest message, either way: that of the reference.
pub const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// The reference signer's interface, `proto.EOTSManager`.
pub mod reference {
    #![allow(missing_docs, unreachable_pub, clippy::all, clippy::restriction)]
    tonic::include_proto!("proto");
}

/// The signer's own interface, `btcstake.signer.v1.Signer`.
pub mod own {
    #![allow(missing_docs, unreachable_pub, clippy::all, clippy::restriction)]
    tonic::include_proto!("btcstake.signer.v1");
}
