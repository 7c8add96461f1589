//! The gRPC interfaces: the reference's, which existing daemons of finality providers call, and our own.

mod body;
mod layer;
mod own;
mod reference;
mod status;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use endpoint::with_causes;
use tonic::{Request, Status};

pub use self::layer::{AuthenticationLayer, Limits, Peer};
use self::own::Own;
use self::reference::Reference;
use crate::auth::{Caller, Client, Outstanding};
use crate::service::{Event, ServiceError, SignerService};
use crate::wire::MAX_MESSAGE_BYTES;
use crate::wire::own::signer_server::SignerServer;
use crate::wire::reference::eots_manager_server::EotsManagerServer;

/// The names of all methods, for metrics.
pub const METHODS: [&str; 16] = [
    "Ping",
    "CreateRandomnessPairList",
    "SignEOTS",
    "UnsafeSignEOTS",
    "SignSchnorrSig",
    "SaveEOTSKeyName",
    "SignBatchEOTS",
    "UnlockKey",
    "Backup",
    "Status",
    "PublicRandomness",
    "Commit",
    "Vote",
    "ProvePossession",
    "Unlock",
    "Lock",
];

/// Returns both interfaces to a service. [`AuthenticationLayer`] must stand before them: it says who asks.
pub fn routes(service: &Arc<SignerService>) -> tonic::service::Routes {
    let reference = EotsManagerServer::new(Reference(service.clone()))
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let own = SignerServer::new(Own(service.clone()))
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    tonic::service::Routes::new(reference).add_service(own)
}

/// A request of a client that is known.
struct Asked<T> {
    client: Arc<Client>,
    message: T,
    method: &'static str,
    since: Instant,
}

impl<T> Asked<T> {
    fn of(method: &'static str, request: Request<T>) -> Result<Self, Status> {
        let client = match request.extensions().get::<Caller>() {
            Some(Caller::Client(client)) => client.clone(),
            _ => return Err(Status::unauthenticated("HMAC not provided")),
        };
        Ok(Self { client, message: request.into_inner(), method, since: Instant::now() })
    }
}

/// Makes the answer of what a service returned, and tells who observes.
fn answer<T>(
    service: &SignerService,
    client: &Client,
    method: &'static str,
    since: Instant,
    result: Result<T, ServiceError>,
) -> Result<tonic::Response<T>, Status> {
    let result = result.map(tonic::Response::new).map_err(|error| {
        let status = status::of(&error);
        if matches!(status.code(), tonic::Code::Internal | tonic::Code::Unavailable) {
            let reason = with_causes(&error);
            service.observer().observe(&Event::Failed { method, client: client.name(), reason: &reason });
        }
        if matches!(error, ServiceError::NotAllowed { .. }) {
            let reason = error.to_string();
            service.observer().observe(&Event::Denied { method, client: client.name(), reason: &reason });
        }
        status
    });
    let code = match &result {
        Ok(_) => tonic::Code::Ok,
        Err(status) => status.code(),
    };
    let took = since.elapsed();
    service.observer().observe(&Event::Answered { method, client: client.name(), code, took });
    result
}

/// Makes the answer of a list, whose heights are outstanding until it is sent.
fn answer_list<L, T>(
    service: &SignerService,
    client: &Client,
    method: &'static str,
    since: Instant,
    result: Result<(L, Outstanding), ServiceError>,
    encode: impl FnOnce(L) -> T,
) -> Result<tonic::Response<T>, Status> {
    let (list, outstanding) = match result {
        Ok((list, outstanding)) => (Ok(list), Some(outstanding)),
        Err(error) => (Err(error), None),
    };
    let mut response = answer(service, client, method, since, list.map(encode))?;
    if let Some(outstanding) = outstanding {
        response.extensions_mut().insert(Arc::new(outstanding));
    }
    Ok(response)
}
