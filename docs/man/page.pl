#!/usr/bin/perl
# Prints a manual page, made from --help, so that the two cannot differ.
# Usage: page.pl VRINGTOP VERSION DATE [VERB]     (without a verb: the page of the whole tool)
use strict;
use warnings;
use File::Basename;

my ($tool, $version, $date, $verb) = @ARGV;
my $name = $verb ? "vringtop-$verb" : 'vringtop';

sub help {
	# argp then prints wide lines, so that a paragraph is one line.
	local $ENV{ARGP_HELP_FMT} = 'rmargin=4000,no-dup-args-note';
	open my $out, '-|', $tool, @_, '--help' or die "page.pl: cannot run $tool: $!\n";
	my @lines = <$out>;
	close $out or die "page.pl: $tool @_ --help failed\n";
	chomp @lines;
	return @lines;
}

# Escapes a text for roff.
sub text {
	my ($text) = @_;
	$text =~ s/\\/\\e/g;
	$text =~ s/-/\\-/g;
	$text =~ s/'/\\(aq/g;
	$text =~ s/^\./\\&./;
	return $text;
}

# Prints a command line of the synopsis. Words that the user replaces are in italics.
sub synopsis {
	my ($line) = @_;
	my ($command, @words) = split / /, $line;
	my $text = '.B ' . text($command) . ($verb ? ' ' . text(shift @words) : '');
	print "$text\n";
	foreach my $word (@words) {
		my $shown = text($word);
		$shown =~ s/([A-Z]+)/\\fI$1\\fR/g;
		print "$shown\n";
	}
}

sub option {
	my ($options, $what) = @_;
	my $shown = text($options);
	$shown =~ s/((?:\\-)+[^ =,]+)/\\fB$1\\fR/g;
	$shown =~ s/=(.*)$/=\\fI$1\\fR/;
	print ".TP\n$shown\n", text($what), "\n";
}

# Prints lines "  term   what" as a list, and other lines unchanged.
sub list {
	foreach (@_) {
		if (/^ +(\S.*?) {2,}(\S.*)$/) {
			print ".TP\n.B ", text($1), "\n", text($2), "\n";
		} else {
			print ".PP\n.RS 4\n.EX\n", text(s/^ +//r), "\n.EE\n.RE\n";
		}
	}
}

# Prints examples, lines "  command    what it does".
sub examples {
	print ".SH EXAMPLES\n";
	my $between = '';
	foreach (@_) {
		my ($command, $what) = /^ +(\S.*?)(?: {3,}(\S.*))?$/ or next;
		if ($what) {
			$what =~ s/^(\w)/\U$1/;
			$what .= ':' if $what =~ /\w$/;
			print $between, text($what), "\n";
			$between = ".PP\n";
		}
		print "$between.RS 4\n.EX\n", text($command), "\n.EE\n.RE\n";
		$between = ".PP\n";
	}
}

my %what;
my @main = help();
foreach (@main) {
	$what{$1} = $2 if /^  ([a-z]+) {2,}(\S.*)$/ && !/^  (?:sudo|vringtop)\b/;
}
my @verbs = grep { exists $what{$_} } map { /^  ([a-z]+) {2}/ ? $1 : () } @main;

my @lines = $verb ? help($verb) : @main;
my $whole_what = 'show what the virtqueues of a running guest do';
print ".\\\" Made by docs/man/page.pl from vringtop ", $verb ? "$verb " : '', "--help.\n";
print '.TH ', uc $name, " 1 $date \"vringtop $version\" \"User Commands\"\n";
print ".SH NAME\n", text($name), ' \\- ', text($verb ? $what{$verb} : $whole_what), "\n";

print ".SH SYNOPSIS\n";
my $first = 1;
while (@lines && $lines[0] =~ /^(?:Usage:|  or:) +(vringtop.*)$/) {
	print ".br\n" unless $first;
	synopsis($1);
	$first = 0;
	shift @lines;
}

# What is left: paragraphs, lists, options under their headings, examples.
print ".SH DESCRIPTION\n";
my ($options_begun, $examples_begun, @notes, @status);
while (@lines) {
	my $line = shift @lines;
	next if $line eq '';
	my @block;
	push @block, shift @lines while @lines && $lines[0] =~ /^ {2}/;
	if ($line =~ /^ {2}+(-.*)/ || ($line =~ /^ (\S.*):$/ && @block)) {
		print ".SH OPTIONS\n" unless $options_begun++;
		if ($line =~ /^ (\S.*):$/) {
			print '.SS ', text($1), "\n";
		} else {
			print ".SS Help\n" if $options_begun > 1 && $line =~ /--help/;
			unshift @block, $line;
		}
		while (@block) {
			my ($options, $text) = shift(@block) =~ /^ +(-.*?)(?: {2,}(\S.*))?$/ or die "page.pl: $name: not an option\n";
			($text) = shift(@block) =~ /^ +(\S.*)$/ unless $text;
			option($options, $text);
		}
	} elsif ($line eq 'Examples:') {
		$examples_begun = 1;
		examples(@block);
	} elsif ($line eq 'Verbs:') {
		print ".SH VERBS\n";
		list(@block);
		print ".PP\nEach has a manual page, such as\n.BR vringtop\\-stat (1).\n";
	} elsif (@block && $line =~ /:$/) {
		push @notes, [$line, @block];
	} elsif ($options_begun || $examples_begun) {
		$line .= ' ' . shift @lines while @lines && $lines[0] ne '';
		push @status, ucfirst $1 if $line =~ s/ ?Exit status:? (.*)$//;
		push @notes, [$line] if $line ne '';
	} else {
		print text($line), "\n";
		die "page.pl: $name: a list in the description: $block[0]\n" if @block;
	}
}
if (@notes) {
	print ".SH NOTES\n";
	my $between = '';
	foreach (@notes) {
		my ($line, @block) = @$_;
		print $between, text($line), "\n";
		list(@block);
		$between = ".PP\n";
	}
}
if (!$verb) {
	open my $rest, '<', dirname($0) . '/vringtop.man' or die "page.pl: cannot read vringtop.man: $!\n";
	print <$rest>;
}
print ".SH EXIT STATUS\n";
if (@status) {
	print text($_), "\n" foreach @status;
} else {
	print "0 fine, 1 failed, 2 wrong use.\n";
}
print ".SH SEE ALSO\n";
my @others = $verb ? ('', grep { $_ ne $verb } 'doctor') : @verbs;
print join(" ,\n", map { '.BR vringtop' . ($_ ? "\\-$_" : '') . ' (1)' } @others) =~ s/\) ,/),/gr, "\n";
