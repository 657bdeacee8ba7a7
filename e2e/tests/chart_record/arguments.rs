//! Arguments of `register`.

/// How the record of the example was written.
pub(crate) const EXAMPLE: &[&str] = &[
    "register",
    "datasets",
    "-o",
    "helm",
    "--url",
    "http://datasets.tools.svc:8000",
    "--internal",
    "--product",
    "busybox-httpd",
    "--version",
    "1.37.0",
    "--service",
    "files",
    "--resource",
    "http-files",
    "--category",
    "dataset-store",
    "--credential",
    "HTTP_USERNAME=secret:datasets/username",
    "--credential",
    "HTTP_PASSWORD=secret:datasets/password",
];

/// Arguments of `register` for a release `tool` in the namespace `tools`.
pub(crate) fn registrations() -> Vec<Vec<&'static str>> {
    const S3: [&str; 4] = [
        "--credential",
        "AWS_ACCESS_KEY_ID=secret:tool/id",
        "--credential",
        "AWS_SECRET_ACCESS_KEY=secret:tool-keys/key",
    ];
    const ACCOUNT: [&str; 4] = [
        "--credential",
        "username=secret:tool-account/username",
        "--credential",
        "password=secret:shared/password",
    ];
    const URL: [&str; 4] = ["--url", "http://tool.tools.svc:9000", "--version", "1.2.3"];
    let with = |more: &[&'static str]| [&["tool"], &URL[..], more].concat();
    vec![
        with(&[]),
        with(&[
            "--resource",
            "s3",
            "--category",
            "store",
            "--internal",
            "--default",
            "--zone",
            "east",
        ]),
        with(
            &[
                &S3[..],
                &[
                    "--project",
                    "tools",
                    "--for-project",
                    "a",
                    "--for-user",
                    "ada",
                ],
            ]
            .concat(),
        ),
        with(&[&S3[..], &["--from-template", "minio"]].concat()),
        with(
            &[
                &S3[..],
                &[
                    "--from-template",
                    "mlflow",
                    "--set",
                    "store-url=http://tool-store.tools.svc:9000",
                ],
            ]
            .concat(),
        ),
        with(
            &[
                &S3[..],
                &[
                    "--from-template",
                    "mlflow",
                    "--set",
                    "store-url=https://s3.example.org",
                ],
            ]
            .concat(),
        ),
        with(&[&ACCOUNT[..], &["--from-template", "gitea"]].concat()),
        vec![
            "tool",
            "--url",
            "https://tool.example.org/a?b=%7B",
            "--version",
            "1.2.3",
        ],
        vec!["tool", "--from-template", "kserve", "--version", "1.2.3"],
    ]
}
