//! Compiles the messages and services of the gRPC interfaces.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    #[cfg(feature = "grpc")]
    {
        let files = protox::compile(["eots_manager.proto", "signer.proto"], ["proto"])?;
        tonic_prost_build::configure()
            .build_server(cfg!(feature = "daemon"))
            // Passphrases pass through it.
            .skip_debug(["proto.UnlockKeyRequest", "btcstake.signer.v1.UnlockRequest"])
            .compile_fds(files)?;
    }
    Ok(())
}
