<?php
// Verifies a schema 1 receipt from stdin against the pinned key in argv[1], with nothing but PHP and sodium.
// A second argument "message" prints the signed bytes instead.

function sorted(mixed $value): mixed
{
    if (!is_array($value)) {
        return $value;
    }
    $value = array_map('sorted', $value);
    if (!array_is_list($value)) {
        ksort($value, SORT_STRING);
    }
    return $value;
}

$receipt = json_decode(stream_get_contents(STDIN), true, 32, JSON_THROW_ON_ERROR);
if (($receipt['schema_version'] ?? null) !== 1 || !isset($receipt['result'])) {
    fwrite(STDOUT, "legacy\n");
    exit(3);
}
$body = sorted([
    'completed_at' => $receipt['completed_at'],
    'job_id' => $receipt['job_id'],
    'result' => $receipt['result'],
    'schema_version' => 1,
]);
$message = 'phase-receipt:v1:' . json_encode($body, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR);
if (($argv[2] ?? '') === 'message') {
    fwrite(STDOUT, $message);
    exit(0);
}
$pinned = sodium_hex2bin($argv[1]);
$isPinned = hash_equals($argv[1], $receipt['worker_pubkey']);
$isSigned = sodium_crypto_sign_verify_detached(sodium_hex2bin($receipt['signature']), $message, $pinned);
fwrite(STDOUT, $isPinned && $isSigned ? "verified\n" : "refused\n");
exit($isPinned && $isSigned ? 0 : 1);
