"""What holds for every bucket: private, encrypted, and nothing in it for ever."""

from signalbox.domain.history.export_job import LIFE


def test_every_bucket_is_private_and_encrypted(of_type):
    buckets = of_type("AWS::S3::Bucket")
    assert set(buckets) == {"ExportsBucket"}
    for body in buckets.values():
        properties = body["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(properties["PublicAccessBlockConfiguration"]) == 4
        assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}


def test_a_bucket_is_reached_by_tls_alone_where_there_is_tls(of_type):
    (policy,) = of_type("AWS::S3::BucketPolicy").values()
    assert policy["Condition"] == "IsCloud"
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_files_outlive_their_jobs_and_then_go_away_and_so_do_uploads_never_completed(of_type):
    rules = {
        rule["Id"]: rule
        for rule in of_type("AWS::S3::Bucket")["ExportsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    }
    assert all(rule["Status"] == "Enabled" for rule in rules.values())
    assert 1 < rules["expired"]["ExpirationInDays"] <= 7
    assert rules["expired"]["ExpirationInDays"] > LIFE.days
    assert rules["abandoned"]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] > LIFE.days


def test_only_exports_are_written_and_the_api_only_reads_them(template):
    def actions(role):
        (policy,) = template["Resources"][role]["Properties"]["Policies"]
        return [
            statement["Action"]
            for statement in policy["PolicyDocument"]["Statement"]
            if "ExportsBucket" in str(statement["Resource"])
        ]

    assert actions("ApiRole") == ["s3:GetObject"]
    assert actions("ExportHistoryRole") == [["s3:PutObject", "s3:GetObject"], "s3:ListBucket"]
