#!/usr/bin/perl
# Kept by imctl. backup-database full|diff|incr|info|verify: asks the owner of the repository and prints what he says.
use strict;
use warnings;
use IO::Socket::UNIX;

$| = 1;
my $word = shift // 'incr';
$word =~ /\A[a-z]+\z/ or die "backup-database full|diff|incr|info|verify\n";
my $socket = IO::Socket::UNIX->new(Peer => '/run/imctl-backup/database.sock') or die "the service for backups of the database does not answer: $!\n";
print $socket "$word\n";
$socket->flush;
my $last = '';
while (my $line = <$socket>) {
  print $line;
  $last = $line;
}
if ($last !~ /\A\{.*\}\s*\z/) {
  print qq({"error":"the backup of the database was cut off","ok":false}\n);
  exit 1;
}
exit($last =~ /"ok":true/ ? 0 : 1);
