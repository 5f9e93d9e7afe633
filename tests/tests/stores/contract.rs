//! What `tests/python/stores/test_server.py` asks of every store, asked of each kind.

use super::servers::{ACCOUNT, ACCOUNT_KEY, ENVIRONMENT, SECRET, Server, USER};
use mlpc_tests::python;
use serde_json::{Value, json};

/// Variables of the environment by name.
type Variables = Vec<(&'static str, String)>;

/// Runs the tests with what is particular to a kind.
fn ask(variables: &Variables, particular: &[(&str, Value)]) {
    let repository = python::repository();
    let mut command = python::clean(&python::interpreter(ENVIRONMENT));
    command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_server.py"]);
    command.current_dir(repository.join("tests/python/stores"));
    command.env("PYTHONPATH", repository.join("stdlib/runtime"));
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    for (name, value) in particular {
        command.env(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// What the SDK of S3 needs to reach a server.
pub fn s3_variables(server: &Server) -> Variables {
    vec![
        ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", server.port)),
        ("AWS_ACCESS_KEY_ID", USER.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ]
}

/// Makes the buckets `kept`, which keeps versions, and `plain`, which does not.
pub const S3_BUCKETS: &str = "
import boto3
client = boto3.client('s3', region_name='eu-west-1')
names = {bucket['Name'] for bucket in client.list_buckets()['Buckets']}
for name in {'kept', 'plain'} - names:
    client.create_bucket(Bucket=name)
client.put_bucket_versioning(Bucket='kept', VersioningConfiguration={'Status': 'Enabled'})
";

#[test]
fn s3() {
    let server = Server::s3();
    let variables = s3_variables(&server);
    server.prepare(&variables, S3_BUCKETS);
    ask(
        &variables,
        &[
            ("STORE", json!("s3://kept/some/where?region=eu-west-1")),
            ("VERSIONED", json!("yes")),
            ("UNVERSIONED", json!("s3://plain?region=eu-west-1")),
            ("MISSING", json!("s3://missing/here?region=eu-west-1")),
            ("WRONG", json!({"AWS_SECRET_ACCESS_KEY": "another secret"})),
            ("NOBODY", json!({"AWS_ACCESS_KEY_ID": null, "AWS_SECRET_ACCESS_KEY": null})),
            ("UNREACHABLE", json!({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})),
            ("SECRETS", json!([SECRET, "another secret"])),
        ],
    );
}

const GOOGLE_BUCKETS: &str = "
from google.cloud import storage
client = storage.Client(project='tests')
for name in ('kept', 'plain'):
    bucket = client.bucket(name)
    bucket.versioning_enabled = name == 'kept'
    if not bucket.exists():
        client.create_bucket(bucket)
";

/// Writes the key of a service account that nobody knows, which is presented to a server that does not either.
const GOOGLE_KEY: &str = "
import json, os
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import rsa
key = rsa.generate_private_key(65537, 2048)
text = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
account = {'type': 'service_account', 'project_id': 'tests', 'client_email': 'nobody@tests.example',
           'private_key': text, 'token_uri': os.environ['STORAGE_EMULATOR_HOST'] + '/token'}
with open(os.environ['KEY'], 'w') as file:
    json.dump(account, file)
";

#[test]
fn google() {
    let server = Server::google();
    let home = tempfile::tempdir().unwrap();
    let key = home.path().join("key.json").display().to_string();
    let variables = vec![("STORAGE_EMULATOR_HOST", format!("http://127.0.0.1:{}", server.port)), ("KEY", key.clone())];
    server.prepare(&variables, GOOGLE_BUCKETS);
    server.prepare(&variables, GOOGLE_KEY);
    ask(
        &variables,
        &[
            ("STORE", json!("gs://kept/some/where")),
            ("VERSIONED", json!("yes")),
            ("UNVERSIONED", json!("gs://plain")),
            ("MISSING", json!("gs://missing/here")),
            // The emulator asks nobody who he is; the server of tokens does.
            ("WRONG", json!({"STORAGE_EMULATOR_HOST": null, "GOOGLE_APPLICATION_CREDENTIALS": key})),
            ("NOBODY", json!({"STORAGE_EMULATOR_HOST": null, "CLOUDSDK_CONFIG": home.path(), "NO_GCE_CHECK": "true"})),
            ("UNREACHABLE", json!({"STORAGE_EMULATOR_HOST": "http://127.0.0.1:9"})),
            ("SECRETS", json!(["PRIVATE KEY", "nobody@"])),
        ],
    );
}

const AZURE_CONTAINER: &str = "
import os
from azure.storage.blob import BlobServiceClient
service = BlobServiceClient.from_connection_string(os.environ['AZURE_STORAGE_CONNECTION_STRING'])
container = service.get_container_client('artifacts')
if not container.exists():
    container.create_container()
";

fn connection(key: &str, port: u16) -> String {
    let end = format!("http://127.0.0.1:{port}/{ACCOUNT}");
    format!("DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={key};BlobEndpoint={end};")
}

#[test]
fn azure() {
    let Some(server) = Server::azure() else { return };
    let variables = vec![("AZURE_STORAGE_CONNECTION_STRING", connection(ACCOUNT_KEY, server.port))];
    server.prepare(&variables, AZURE_CONTAINER);
    let wrong = "YW5vdGhlciBzZWNyZXQ=";
    ask(
        &variables,
        &[
            ("STORE", json!(format!("az://{ACCOUNT}/artifacts/some/where"))),
            // Azurite keeps none, and the check must say so.
            ("VERSIONED", json!("")),
            ("UNVERSIONED", json!("")),
            ("MISSING", json!(format!("az://{ACCOUNT}/missing/here"))),
            ("WRONG", json!({"AZURE_STORAGE_CONNECTION_STRING": connection(wrong, server.port)})),
            (
                "NOBODY",
                json!({
                    "AZURE_STORAGE_CONNECTION_STRING": null,
                    "AZURE_STORAGE_SERVICE_ENDPOINT": "https://127.0.0.1:9",
                    "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
                }),
            ),
            ("UNREACHABLE", json!({"AZURE_STORAGE_CONNECTION_STRING": connection(ACCOUNT_KEY, 9)})),
            ("SECRETS", json!([ACCOUNT_KEY, wrong])),
        ],
    );
}
