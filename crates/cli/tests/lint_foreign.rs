//! `lint` judges Secrets that records use, and leaves other objects to their tools.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use support::{Output, ext_with};

const RECORD: &str = "apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: store}
spec:
  product: minio
  services:
    - name: s3
      resource: s3
      endpoints: [{name: main, url: 'http://store:9000'}]
      credentials:
        - name: main
          configuration:
            - {name: TOKEN, valueFrom: {secretKeyRef: {name: store-keys, key: token}}}
---
apiVersion: registry.fuseml.io/v1alpha1
kind: Workflow
metadata: {name: train, namespace: alpha}
spec: {steps: [{name: a, image: 'example.org/i:1', extensions: [{name: data, product: minio}]}]}
---
";

/// Returns a Secret of the records namespace.
fn secret(name: &str, fields: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: extension-registry-records}}\n{fields}\n---\n"
    )
}

fn lint(text: &str) -> Output {
    ext_with(&["lint", "-f", "-"], text)
}

#[track_caller]
fn assert_clean(text: &str) {
    let output = lint(text);
    assert_eq!((output.code, &*output.out), (0, ""), "{}", output.err);
}

#[test]
fn wrapped_base64_is_read() {
    let wrapped = "data:\n  token: |\n    czNjcjN0LXMzY3IzdC1zM2NyM3QtczNjcjN0LXMzY3IzdC1zM2NyM3QtczNjcjN0LXMzY3IzdC1z\n    M2NyM3QtczNjcjN0";
    let files = RECORD.to_owned() + &secret("store-keys", wrapped);
    assert_clean(&files);
    let rendered = ext_with(&["render", "--reveal", "-f", "-"], &files);
    assert_eq!(rendered.code, 0, "{}", rendered.err);
    assert!(
        rendered.out.contains("czNjcjN0LXMzY3IzdC1zM2NyM3Q"),
        "{}",
        rendered.out
    );
    assert!(
        !rendered.err.contains("not among the files"),
        "{}",
        rendered.err
    );
}

#[test]
fn invalid_secret_of_record_is_reported() {
    let files = RECORD.to_owned() + &secret("store-keys", "data: {token: 's3cr3t!', other: 7}");
    let output = lint(&files);
    assert_eq!(output.code, 1);
    insta::assert_snapshot!(output.out, @r"
    -:23:8: error[invalid-secret]: Secret extension-registry-records/store-keys: data.token: not valid base64
      hint: encode the value with `base64`, or write it as it is under `stringData`
    -:23:26: error[invalid-secret]: Secret extension-registry-records/store-keys: data.other: must be a string
      hint: quote it
    ");
    let twice = secret("store-keys", "stringData: {token: a}").repeat(2);
    let output = lint(&(RECORD.to_owned() + &twice));
    assert_eq!(output.code, 1);
    insta::assert_snapshot!(output.out, @r"
    -:27:12: error[duplicate-object]: Secret extension-registry-records/store-keys: metadata.name: duplicate object: Secret extension-registry-records/store-keys is also in -
      hint: remove or rename one of them
    ");
}

#[test]
fn other_objects_are_not_judged() {
    let foreign = "apiVersion: v1\nkind: Secret\nmetadata: {generateName: build-token-, namespace: alpha}\nstringData: {token: abc}\n---\n";
    let invalid = secret("other", "data: {token: '!', 'a key': 7}");
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_A_Name}\n---\n".repeat(2);
    let used = secret("store-keys", "stringData: {token: abc}");
    let twice = secret("twice", "stringData: {token: abc}").repeat(73);
    let unnamed = "apiVersion: v1\nkind: Secret\ndata: 7\n---\n";
    assert_clean(&[RECORD, foreign, &invalid, &config, &used, &twice, unnamed].concat());
}

#[test]
fn encrypted_record_is_named_as_such() {
    let record = RECORD.split("---\n").next().unwrap();
    let record = record.replace(
        "valueFrom: {secretKeyRef: {name: store-keys, key: token}}",
        "value: 'ENC[AES256_GCM,data:abcd,iv:efgh=,tag:ijkl==,type:str]'",
    );
    let sops = "sops: {lastmodified: '2026-01-01T00:00:00Z', mac: 'ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]'}\n";
    let output = ext_with(&["lint", "--strict", "-f", "-"], &(record.clone() + sops));
    assert_eq!((output.code, &*output.out), (0, ""));
    insta::assert_snapshot!(output.err, @r"
    note: encrypted values were not checked: SOPS encrypted the object at -:1
      hint: apply it with Flux, which decrypts it, or with `sops --decrypt FILE | kubectl apply -f -`
    ");

    // Encrypted values of other fields are not judged either.
    let enc = |kind: &str| format!("'ENC[AES256_GCM,data:x,iv:y,tag:z,type:{kind}]'");
    let all = record.replace("'http://store:9000'", &enc("str")).replace(
        "product: minio",
        &format!("product: {}\n  default: {}", enc("str"), enc("bool")),
    );
    let output = lint(&(all + sops));
    assert_eq!(output.code, 0, "{}", output.out);

    let output = ext_with(&["register", "-f", "-", "--dry-run"], &(record + sops));
    assert_eq!(output.code, 1);
    insta::assert_snapshot!(output.err, @r"
    -:14:1: error[encrypted]: encrypted with SOPS
      hint: decrypt it first: `sops --decrypt FILE`
    ");
}

#[test]
fn keys_of_encrypted_secret_are_known() {
    let fields = "data: {token: 'ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]'}\nsops: {mac: x}";
    assert_clean(&(RECORD.to_owned() + &secret("store-keys", fields)));
}

#[test]
fn generated_names_are_accepted() {
    let named = RECORD.replace("name: train,", "generateName: train-,");
    let [record, workflow] = [0, 1].map(|index| named.split("---\n").nth(index).unwrap());
    let files = format!("{record}---\n{workflow}---\n{workflow}");
    assert_clean(&files);
    let output = ext_with(&["resolve", "-f", "-", "-o", "name"], &files);
    assert_eq!(output.code, 0, "{}", output.err);
    let wrong = files.replace("generateName: train-", "generateName: Train_");
    let output = lint(&wrong);
    assert_eq!(output.code, 1);
    insta::assert_snapshot!(output.out, @r"
    -:17:12: error[invalid-metadata]: Workflow alpha/Train_xxxxx: metadata.generateName: invalid prefix of a name
      hint: use lowercase letters, digits, `-` or `.`; start with a letter or digit
    -:22:12: error[invalid-metadata]: Workflow alpha/Train_xxxxx: metadata.generateName: invalid prefix of a name
      hint: use lowercase letters, digits, `-` or `.`; start with a letter or digit
    ");
}
