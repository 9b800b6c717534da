<?php
// Runs a module as the original PHP client does: one shell command, standard error merged, all of the input written
// before any of the output is read. Prints the exit code, a newline, and the output.

[, $program, $module, $bytes] = $argv;
$command = escapeshellarg($program) . ' run --quiet ' . escapeshellarg($module) . ' 2>&1';
$process = proc_open($command, [['pipe', 'r'], ['pipe', 'w'], ['pipe', 'w']], $pipes);
fwrite($pipes[0], str_repeat('0123456789abcdef', intdiv((int) $bytes, 16)));
fclose($pipes[0]);
$output = stream_get_contents($pipes[1]);
echo proc_close($process), "\n", $output;
