//! Devices that follow a Factory by tough.
//!
//! Reads one JSON object per line, {"folder", "url", "root"}, polls once with what is in that folder, and answers
//! with one line, {"held", "refusal"} (interop/fleet/holdings.ts). A device is built with version 1 of the root, in
//! base64, and is told nothing else. tough keeps what it parsed and not the bytes, and no root: so the bytes of what
//! it took are kept beside its datastore, for the answer alone.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tough::error::Error;
use tough::{
    HttpTransport, IntoVec, Repository, RepositoryLoader, Transport, TransportError,
    TransportErrorKind, TransportStream,
};
use url::Url;

const ROLES: [&str; 4] = ["root", "timestamp", "snapshot", "targets"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
        let folder = text("folder");
        let root = STANDARD.decode(text("root"))?;
        let taken = Path::new(&folder).join("taken");
        fs::create_dir_all(&taken)?;
        let refusal = match poll(&folder, &text("url"), &root).await {
            Ok((repository, fetched)) => {
                keep(&taken, &repository, &fetched, &root)?;
                Value::Null
            }
            Err(error) => json!({ "reason": reason(&error), "says": error.to_string() }),
        };
        println!("{}", json!({ "held": held(&taken)?, "refusal": refusal }));
        std::io::stdout().flush()?;
    }
    Ok(())
}

type Fetched = BTreeMap<String, Vec<u8>>;

async fn poll(folder: &str, url: &str, root: &[u8]) -> Result<(Repository, Fetched), Error> {
    let base = Url::parse(&format!("{url}/")).expect("the suite sends URLs");
    let targets = base.join("targets/").expect("a part of a URL");
    let datastore = Path::new(folder).join("datastore");
    fs::create_dir_all(&datastore).expect("the device's folder is writable");
    let transport = Recording::default();
    let fetched = transport.fetched.clone();
    let repository = RepositoryLoader::new(&root, base, targets)
        .transport(transport)
        .datastore(datastore)
        .load()
        .await?;
    let fetched = fetched.lock().expect("one thread").clone();
    Ok((repository, fetched))
}

/// HTTP, and the bytes of each file that came.
#[derive(Debug, Clone, Default)]
struct Recording {
    inner: HttpTransport,
    fetched: Arc<Mutex<Fetched>>,
}

#[async_trait]
impl Transport for Recording {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        let stream = self.inner.fetch(url.clone()).await?;
        let bytes = stream.into_vec().await.map_err(|error| {
            TransportError::new_with_cause(TransportErrorKind::Other, url.clone(), error)
        })?;
        let name = url.path().rsplit('/').next().unwrap_or_default().to_owned();
        self.fetched
            .lock()
            .expect("one thread")
            .insert(name, bytes.clone());
        Ok(Box::pin(futures::stream::iter([Ok(Bytes::from(bytes))])))
    }
}

/// tough took one document of each role: by its version it is known which of the bytes that is.
fn keep(
    taken: &Path,
    repository: &Repository,
    fetched: &Fetched,
    root: &[u8],
) -> Result<(), Box<dyn std::error::Error>> {
    let versions = [
        repository.root().signed.version.get(),
        repository.timestamp().signed.version.get(),
        repository.snapshot().signed.version.get(),
        repository.targets().signed.version.get(),
    ];
    for (role, version) in ROLES.iter().zip(versions) {
        let versioned = fetched.get(&format!("{version}.{role}.json"));
        let bytes = match versioned.or_else(|| fetched.get(&format!("{role}.json"))) {
            Some(bytes) => bytes.as_slice(),
            None if *role == "root" => root,
            None => return Err(format!("{role} {version} was never fetched").into()),
        };
        fs::write(taken.join(format!("{role}.json")), bytes)?;
    }
    Ok(())
}

fn held(taken: &Path) -> Result<Value, Box<dyn std::error::Error>> {
    let mut all = serde_json::Map::new();
    let mut listed = Value::Null;
    for role in ROLES {
        let Ok(bytes) = fs::read(taken.join(format!("{role}.json"))) else {
            all.insert(role.to_owned(), Value::Null);
            continue;
        };
        let document: Value = serde_json::from_slice(&bytes)?;
        if role == "root" {
            listed = document["signed"]["roles"].clone();
        }
        let own = listed[role]["keyids"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let mut keyids: Vec<Value> = document["signatures"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|signature| signature["keyid"].clone())
            .filter(|keyid| own.contains(keyid))
            .collect();
        keyids.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
        keyids.dedup();
        let digest = Sha256::digest(&bytes);
        let sha256: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let version = &document["signed"]["version"];
        all.insert(
            role.to_owned(),
            json!({ "version": version, "keyids": keyids, "sha256": sha256 }),
        );
    }
    Ok(Value::Object(all))
}

fn reason(error: &Error) -> &'static str {
    match error {
        Error::VerifyMetadata { .. } | Error::VerifyRoleMetadata { .. } => "signature",
        Error::OlderMetadata { .. } | Error::VersionMismatch { .. } => "version",
        Error::ExpiredMetadata { .. } => "expired",
        Error::HashMismatch { .. } | Error::MaxSizeExceeded { .. } => "hash",
        Error::ParseMetadata { .. } => "format",
        Error::Transport { .. } => "download",
        _ => "other",
    }
}
